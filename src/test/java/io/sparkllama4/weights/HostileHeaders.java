package io.sparkllama4.weights;

import static io.sparkllama4.error.ErrorCode.DUPLICATE_TENSOR;
import static io.sparkllama4.error.ErrorCode.INVALID_HEADER;
import static io.sparkllama4.error.ErrorCode.MISSING_FILE;
import static io.sparkllama4.error.ErrorCode.SHAPE_MISMATCH;
import static io.sparkllama4.error.ErrorCode.TENSOR_OUT_OF_BOUNDS;
import static io.sparkllama4.error.ErrorCode.TENSOR_OVERLAP;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/// Headers of safetensors files, of the dense checkpoint, whose data has 402,560 bytes.
final class HostileHeaders {
  private static final String WEIGHTS = ModelCopy.WEIGHTS;
  private static final String NORM = "model.norm.weight";
  private static final BigInteger TWO = BigInteger.TWO;

  private HostileHeaders() {}

  static List<Hostile> all() {
    List<Hostile> cases = new ArrayList<>();
    cases.addAll(lengths());
    cases.addAll(texts());
    cases.addAll(entries());
    cases.addAll(offsets());
    cases.addAll(shapes());
    cases.addAll(places());
    return cases;
  }

  private static Hostile header(String name, Hostile.Breakage breakage) {
    return Hostile.of("dense", "header " + name, breakage).is(INVALID_HEADER, WEIGHTS);
  }

  private static List<Hostile> lengths() {
    List<Hostile> cases = new ArrayList<>();
    for (int size : List.of(0, 1, 7)) {
      cases.add(header("in a file of " + size + " bytes", m -> m.write(WEIGHTS, new byte[size])));
    }
    cases.add(header("alone, of length 0", m -> m.write(WEIGHTS, new byte[8])).found("0", "2 to"));
    for (long length : new long[] {0, 1, 406_705, 100_000_001, 1L << 31, 1L << 60, 1L << 62}) {
      cases.add(
          header("of length " + length, model -> model.headerLength(WEIGHTS, length))
              .found(length + " bytes", "2 to"));
    }
    for (long length : new long[] {-1, Long.MIN_VALUE}) {
      String unsigned = Long.toUnsignedString(length);
      cases.add(
          header("of length " + unsigned, model -> model.headerLength(WEIGHTS, length))
              .found(unsigned, "2 to"));
    }
    cases.add(header("cut short by its length", model -> model.headerLength(WEIGHTS, 4000)));
    cases.add(
        header(
                "of length 2^40 in a file of 2^41 bytes",
                model -> model.headerLength(WEIGHTS, 1L << 40).resize(WEIGHTS, 1L << 41))
            .found("1099511627776 bytes", "100000000"));
    cases.add(
        header(
            "of 90 MB of zeros",
            m -> m.write(WEIGHTS, ModelCopy.length(90_000_000)).resize(WEIGHTS, 90_000_008)));
    return cases;
  }

  private static Hostile text(String name, String json) {
    return header(name, model -> model.write(WEIGHTS, ModelCopy.headerAlone(json)));
  }

  private static List<Hostile> texts() {
    return List.of(
        text("is no JSON", "tensors"),
        text("is a list", "[]"),
        text("is a text", "\"x\""),
        text("is null", "null"),
        text("is blank", "        "),
        text("is cut off", "{\"a\": {\"dtype\": \"F32\""),
        text("is cut off in a name", "{\"a"),
        text("is two objects", "{}{}"),
        text("is very deep in an entry", "{\"a\":" + "[".repeat(100_000)),
        text("is very deep in its metadata", "{\"__metadata__\":" + "{\"a\":".repeat(100_000)),
        text("is very deep in an unknown field", "{\"a\":{\"x\":" + "[".repeat(100_000)),
        text("has a very long name", "{\"" + "a".repeat(1_000_000) + "\":{}}"),
        header(
            "is no UTF-8",
            model ->
                model.write(
                    WEIGHTS,
                    new String(ModelCopy.headerAlone("{\"*\": {}}"), StandardCharsets.ISO_8859_1)
                        .replace('*', '\u00ff')
                        .getBytes(StandardCharsets.ISO_8859_1))),
        header("is that of an archive", m -> m.write(WEIGHTS, "PK\u0003\u0004 no weights"))
            .found(" bytes", "2 to"));
  }

  private static Hostile entry(String name, Consumer<ObjectNode> change) {
    return header(name, model -> model.tensor(WEIGHTS, NORM, change));
  }

  private static List<Hostile> entries() {
    return List.of(
        header("has a list for an entry", m -> m.header(WEIGHTS, h -> h.putArray("x"))),
        header("has null for an entry", m -> m.header(WEIGHTS, h -> h.putNull("x"))),
        header("has an empty entry", m -> m.header(WEIGHTS, h -> h.putObject("x"))),
        entry("has no dtype", tensor -> tensor.remove("dtype")),
        entry("has a number for a dtype", tensor -> tensor.put("dtype", 16)),
        entry("has no shape", tensor -> tensor.remove("shape")),
        entry("has a number for a shape", tensor -> tensor.put("shape", 64)),
        entry("has a size that is a text", tensor -> tensor.putArray("shape").add("64")),
        entry("has a size of 64.0", tensor -> tensor.putArray("shape").add(64.0)),
        entry("has no offsets", tensor -> tensor.remove("data_offsets")),
        entry("has an object for offsets", tensor -> tensor.putObject("data_offsets")),
        entry("has one offset", tensor -> tensor.putArray("data_offsets").add(0)),
        entry("has three offsets", t -> t.putArray("data_offsets").add(0).add(64).add(128)),
        entry("has an offset that is a text", t -> t.putArray("data_offsets").add("0").add(128)),
        entry("has an offset of 0.5", t -> t.putArray("data_offsets").add(0.5).add(128)),
        entry("has an offset of null", t -> t.putArray("data_offsets").addNull().add(128)),
        entry("has an offset of true", t -> t.putArray("data_offsets").add(true).add(128)),
        entry("has offsets within offsets", t -> t.putArray("data_offsets").addArray()),
        header(
            "says a dtype twice", m -> m.rawHeader(WEIGHTS, h -> twice(h, "\"dtype\":\"BF16\""))),
        raw("has an offset of NaN", "NaN"),
        raw("has an offset of 1e2", "1e2"),
        raw("has an offset of 5,000 digits", "9".repeat(5000)));
  }

  private static String twice(String header, String field) {
    if (!header.contains(field)) {
      throw new AssertionError(header);
    }
    return header.replaceFirst(field, field + "," + field);
  }

  private static Hostile raw(String name, String offset) {
    return text(
        name, "{\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[" + offset + ",0]}}");
  }

  private static Hostile offsets(String name, BigInteger begin, BigInteger end) {
    return entry(name, tensor -> tensor.putArray("data_offsets").add(begin).add(end))
        .is(TENSOR_OUT_OF_BOUNDS, WEIGHTS)
        .tensor(NORM)
        .found("[" + begin + ", " + end + ")", "within [0, 402560)");
  }

  private static List<Hostile> offsets() {
    BigInteger zero = BigInteger.ZERO;
    BigInteger size = BigInteger.valueOf(128);
    return List.of(
        offsets("has a negative offset", size.negate(), zero),
        offsets("has an end before its beginning", size, zero),
        offsets(
            "has an end behind the file", BigInteger.valueOf(402_433), BigInteger.valueOf(402_561)),
        offsets("has offsets of 2^40", TWO.pow(40), TWO.pow(40).add(size)),
        offsets("has an end of 2^63 - 1", zero, TWO.pow(63).subtract(BigInteger.ONE)),
        offsets("has an end of 2^63", zero, TWO.pow(63)),
        offsets("has offsets of 2^64", TWO.pow(64), TWO.pow(64).add(size)),
        offsets("has an end of 10^30", zero, BigInteger.TEN.pow(30)));
  }

  private static Hostile shape(String name, String found, String expected, BigInteger... sizes) {
    return entry(
            name,
            tensor -> {
              var shape = tensor.putArray("shape");
              for (BigInteger size : sizes) {
                shape.add(size);
              }
            })
        .is(SHAPE_MISMATCH, WEIGHTS)
        .tensor(NORM)
        .found(found, expected);
  }

  private static List<Hostile> shapes() {
    BigInteger huge = TWO.pow(32);
    return List.of(
        shape("has a negative size", "[-64]", "at least 0", BigInteger.valueOf(-64)),
        shape(
            "has two negative sizes",
            "[-8, -8]",
            "at least 0",
            BigInteger.valueOf(-8),
            BigInteger.valueOf(-8)),
        shape("has a size of 2^63", TWO.pow(63).toString(), "2^63", TWO.pow(63)),
        shape("has a size of 10^30", "1" + "0".repeat(30), "2^63", BigInteger.TEN.pow(30)),
        shape("has a product of 2^64, which is 0 in 64 bits", "4294967296", "2^63", huge, huge),
        shape(
            "has a product of 2^64 + 64, which is 64 in 64 bits",
            "18446744073709551680",
            "2^63",
            TWO.pow(64).add(BigInteger.valueOf(64))),
        shape("has 2^63 bytes", "128 bytes", "9223372036854775808 bytes", TWO.pow(62)),
        shape("has one row too many", "128 bytes", "130 bytes", BigInteger.valueOf(65)),
        shape("has one row too few", "128 bytes", "126 bytes", BigInteger.valueOf(63)),
        shape("has no sizes", "128 bytes", "2 bytes"));
  }

  private static List<Hostile> places() {
    return List.of(
        header("names a tensor twice", m -> m.rawHeader(WEIGHTS, HostileHeaders::normTwice))
            .is(DUPLICATE_TENSOR, WEIGHTS)
            .tensor(NORM),
        overlap("overlaps by one byte", 65_535),
        overlap("lies on another tensor", 0),
        overlap("lies within another tensor", 128),
        header("is fine, but the file is cut", m -> m.resize(WEIGHTS, 8 + 4144 + 402_559))
            .is(TENSOR_OUT_OF_BOUNDS, WEIGHTS)
            .tensor(NORM)
            .found("[402432, 402560)", "within [0, 402559)"),
        header("is fine, but no data follows", model -> model.resize(WEIGHTS, 8 + 4144))
            .is(TENSOR_OUT_OF_BOUNDS, WEIGHTS)
            .tensor("lm_head.weight")
            .found("[0, 65536)", "within [0, 0)"),
        header("is absent", model -> model.delete(WEIGHTS)).is(MISSING_FILE, WEIGHTS),
        header(
                "belongs to a directory",
                m -> Files.createDirectory(m.delete(WEIGHTS).file(WEIGHTS)))
            .is(MISSING_FILE, WEIGHTS));
  }

  private static String normTwice(String header) {
    int at = header.indexOf("\"" + NORM + "\"");
    int end = header.indexOf('}', at) + 1;
    return header.substring(0, end) + "," + header.substring(at);
  }

  /// Puts the final norm onto the output head, which comes first.
  private static Hostile overlap(String name, int begin) {
    return header(
            name,
            model ->
                model.tensor(
                    WEIGHTS, NORM, t -> t.putArray("data_offsets").add(begin).add(begin + 128)))
        .is(TENSOR_OVERLAP, WEIGHTS)
        .tensor(NORM)
        .found(
            "[" + begin + ", " + (begin + 128) + ")", "from 65536 on, the end of lm_head.weight");
  }
}

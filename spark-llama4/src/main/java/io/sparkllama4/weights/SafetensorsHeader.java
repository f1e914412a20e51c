package io.sparkllama4.weights;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.error.Llama4Exception;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Shape;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/// The header of a safetensors file: 8 bytes of length, little-endian, then as many bytes of JSON
/// that name every tensor with its type, shape and place. Read with suspicion: a header is foreign
/// input.
final class SafetensorsHeader {
  /// The limit of the format's reference implementation.
  private static final long MOST_BYTES = 100_000_000;

  /// Entries are objects of arrays; nothing in the format nests deeper than three levels.
  private static final JsonFactory JSON =
      JsonFactory.builder()
          .streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(8).build())
          .build();

  private final String file;
  private final long dataStart;
  private final long dataBytes;
  private final Map<String, StoredTensor> tensors = new LinkedHashMap<>();
  private final Map<String, String> metadata = new LinkedHashMap<>();

  private SafetensorsHeader(String file, long dataStart, long dataBytes) {
    this.file = file;
    this.dataStart = dataStart;
    this.dataBytes = dataBytes;
  }

  /// Reads and checks the header of an open file.
  ///
  /// @param file the name for messages
  static SafetensorsHeader read(String file, FileChannel channel) throws IOException {
    long size = channel.size();
    if (size < 8) {
      throw broken(file, "the file has " + size + " bytes, too few for a header");
    }
    ByteBuffer lengthBytes = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    readFully(channel, lengthBytes, 0);
    long length = lengthBytes.getLong(0);
    if (length < 2 || length > Math.min(size - 8, MOST_BYTES)) {
      throw ErrorReport.of(ErrorCode.INVALID_HEADER, "Cannot read the header: its length is absurd")
          .file(file)
          .found(Long.toUnsignedString(length) + " bytes", "2 to " + Math.min(size - 8, MOST_BYTES))
          .exception();
    }
    ByteBuffer json = ByteBuffer.allocate((int) length);
    readFully(channel, json, 8);
    SafetensorsHeader header = new SafetensorsHeader(file, 8 + length, size - 8 - length);
    try (JsonParser parser = JSON.createParser(json.array())) {
      header.parse(parser);
    } catch (JsonProcessingException e) {
      throw broken(file, "it is no JSON of tensors: " + e.getOriginalMessage());
    } catch (IOException e) {
      throw broken(file, "it is no JSON of tensors: " + e.getMessage());
    }
    header.checkOverlaps();
    return header;
  }

  static void readFully(FileChannel channel, ByteBuffer buffer, long position) throws IOException {
    while (buffer.hasRemaining()) {
      int read = channel.read(buffer, position + buffer.position());
      if (read < 0) {
        throw new IOException("The file ended while it was read");
      }
    }
  }

  /// The name of the file in messages.
  String file() {
    return file;
  }

  /// Where the tensors' bytes begin in the file.
  long dataStart() {
    return dataStart;
  }

  /// The tensors, in the order of the header.
  Map<String, StoredTensor> tensors() {
    return tensors;
  }

  /// The texts that the file says of itself.
  Map<String, String> metadata() {
    return metadata;
  }

  /// What the header says of a tensor that it names.
  StoredTensor tensor(String name) {
    return Objects.requireNonNull(tensors.get(name));
  }

  private void parse(JsonParser parser) throws IOException {
    expect(parser, parser.nextToken(), JsonToken.START_OBJECT, "the header");
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String name = parser.currentName();
      JsonToken value = parser.nextToken();
      if (name.equals("__metadata__")) {
        parseMetadata(parser, value);
        continue;
      }
      expect(parser, value, JsonToken.START_OBJECT, "the entry of " + name);
      StoredTensor tensor = parseTensor(name, parser);
      if (tensors.put(name, tensor) != null) {
        throw ErrorReport.of(ErrorCode.DUPLICATE_TENSOR, "A tensor stands twice in the header")
            .file(file)
            .tensor(name)
            .exception();
      }
      check(tensor);
    }
    if (parser.nextToken() != null) {
      throw broken(file, "something follows its JSON object");
    }
  }

  /// Keeps texts; what else stands there is nobody's business.
  private void parseMetadata(JsonParser parser, JsonToken value) throws IOException {
    if (value != JsonToken.START_OBJECT) {
      parser.skipChildren();
      return;
    }
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String field = parser.currentName();
      if (parser.nextToken() == JsonToken.VALUE_STRING) {
        metadata.put(field, parser.getText());
      } else {
        parser.skipChildren();
      }
    }
  }

  private StoredTensor parseTensor(String name, JsonParser parser) throws IOException {
    String type = "";
    List<BigInteger> shape = null;
    List<BigInteger> offsets = null;
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String field = parser.currentName();
      JsonToken value = parser.nextToken();
      switch (field) {
        case "dtype" -> {
          requireOnce(type.isEmpty(), field, name);
          expect(parser, value, JsonToken.VALUE_STRING, "dtype of " + name);
          type = parser.getText();
        }
        case "shape" -> {
          requireOnce(shape == null, field, name);
          shape = integers(parser, value, "shape of " + name);
        }
        case "data_offsets" -> {
          requireOnce(offsets == null, field, name);
          offsets = integers(parser, value, "data_offsets of " + name);
        }
        default -> parser.skipChildren();
      }
    }
    if (type.isEmpty() || shape == null || offsets == null || offsets.size() != 2) {
      throw broken(file, "the entry of " + name + " lacks a dtype, a shape or two data_offsets");
    }
    BigInteger begin = offsets.getFirst();
    BigInteger end = offsets.getLast();
    if (begin.signum() < 0
        || begin.compareTo(end) > 0
        || end.compareTo(BigInteger.valueOf(dataBytes)) > 0) {
      throw ErrorReport.of(
              ErrorCode.TENSOR_OUT_OF_BOUNDS, "A tensor's bytes lie outside the file's data")
          .file(file)
          .tensor(name)
          .found("[" + begin + ", " + end + ")", "within [0, " + dataBytes + ")")
          .exception();
    }
    return new StoredTensor(name, type, shape(name, shape), begin.longValue(), end.longValue());
  }

  /// Two readers must not be able to see two tensors in one entry.
  private void requireOnce(boolean isFirst, String field, String name) {
    if (!isFirst) {
      throw broken(file, "the entry of " + name + " says its " + field + " twice");
    }
  }

  private Shape shape(String name, List<BigInteger> sizes) {
    try {
      return Shape.of(sizes.stream().mapToLong(BigInteger::longValueExact).toArray());
    } catch (ArithmeticException | IllegalArgumentException e) {
      throw ErrorReport.of(ErrorCode.SHAPE_MISMATCH, "A tensor's shape is absurd")
          .file(file)
          .tensor(name)
          .found(sizes, "sizes of at least 0, fewer than 2^63 elements")
          .exception(e);
    }
  }

  private List<BigInteger> integers(JsonParser parser, JsonToken first, String what)
      throws IOException {
    expect(parser, first, JsonToken.START_ARRAY, what);
    List<BigInteger> values = new ArrayList<>();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      expect(parser, parser.currentToken(), JsonToken.VALUE_NUMBER_INT, what);
      values.add(parser.getBigIntegerValue());
    }
    return values;
  }

  private void expect(JsonParser parser, JsonToken found, JsonToken wanted, String what)
      throws IOException {
    if (found != wanted) {
      throw broken(file, what + " is " + (found == null ? "missing" : parser.getText()));
    }
  }

  private void check(StoredTensor tensor) {
    if (tensor.dtype().isEmpty()) {
      return; // A type that no weight of ours may have; refused where it is needed.
    }
    DType dtype = tensor.dtype().get();
    BigInteger needed =
        BigInteger.valueOf(tensor.shape().elements()).multiply(BigInteger.valueOf(dtype.bytes()));
    if (!needed.equals(BigInteger.valueOf(tensor.bytes()))) {
      throw ErrorReport.of(ErrorCode.SHAPE_MISMATCH, "A tensor's shape does not fit its bytes")
          .file(file)
          .tensor(tensor.name())
          .found(tensor.bytes() + " bytes", needed + " bytes for " + dtype + tensor.shape())
          .exception();
    }
  }

  private void checkOverlaps() {
    List<StoredTensor> byPlace =
        tensors.values().stream()
            .filter(tensor -> tensor.bytes() > 0)
            .sorted(Comparator.comparingLong(StoredTensor::begin))
            .toList();
    for (int i = 1; i < byPlace.size(); i++) {
      StoredTensor before = byPlace.get(i - 1);
      StoredTensor tensor = byPlace.get(i);
      if (tensor.begin() < before.end()) {
        throw ErrorReport.of(ErrorCode.TENSOR_OVERLAP, "Two tensors claim the same bytes")
            .file(file)
            .tensor(tensor.name())
            .found(
                "[" + tensor.begin() + ", " + tensor.end() + ")",
                "from " + before.end() + " on, the end of " + before.name())
            .exception();
      }
    }
  }

  private static Llama4Exception broken(String file, String reason) {
    return ErrorReport.of(
            ErrorCode.INVALID_HEADER, "Cannot read " + file + " as safetensors: " + reason)
        .file(file)
        .exception();
  }
}

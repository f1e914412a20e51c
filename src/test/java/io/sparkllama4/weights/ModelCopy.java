package io.sparkllama4.weights;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sparkllama4.golden.Oracle;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/// A copy of an oracle's checkpoint, for tests that change it.
public final class ModelCopy {
  /// The weights of the checkpoints that have no index.
  public static final String WEIGHTS = "model.safetensors";

  /// The index of those that have one.
  public static final String INDEX = "model.safetensors.index.json";

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path directory;

  private ModelCopy(Path directory) {
    this.directory = directory;
  }

  /// A copy of the oracle `name` in `directory`, which is made.
  public static ModelCopy of(String name, Path directory) throws IOException {
    Files.createDirectories(directory);
    try (Stream<Path> files = Files.list(Oracle.resources().resolve(name))) {
      for (Path file : files.toList()) {
        String base = file.getFileName().toString();
        if (!base.startsWith("expected.")) {
          Files.copy(file, directory.resolve(base));
        }
      }
    }
    return new ModelCopy(directory);
  }

  /// Where it lies.
  public Path directory() {
    return directory;
  }

  /// One of its files.
  public Path file(String name) {
    return directory.resolve(name);
  }

  /// Replaces a file.
  public ModelCopy write(String name, String text) throws IOException {
    Files.writeString(file(name), text);
    return this;
  }

  /// Replaces a file.
  public ModelCopy write(String name, byte[] bytes) throws IOException {
    Files.write(file(name), bytes);
    return this;
  }

  /// Removes a file.
  public ModelCopy delete(String name) throws IOException {
    Files.delete(file(name));
    return this;
  }

  /// Makes a file as long as `bytes`, by cutting it or by a hole that takes no space.
  public ModelCopy resize(String name, long bytes) throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(file(name).toFile(), "rw")) {
      file.setLength(bytes);
    }
    return this;
  }

  /// Changes a file that holds a JSON object.
  public ModelCopy json(String name, Consumer<ObjectNode> change) throws IOException {
    ObjectNode object = (ObjectNode) JSON.readTree(file(name).toFile());
    change.accept(object);
    return write(name, JSON.writeValueAsString(object));
  }

  /// Changes `config.json`.
  public ModelCopy config(Consumer<ObjectNode> change) throws IOException {
    return json("config.json", change);
  }

  /// Changes the part of `config.json` that tells of the text model.
  public ModelCopy text(Consumer<ObjectNode> change) throws IOException {
    return config(
        config -> {
          JsonNode nested = config.get("text_config");
          change.accept(nested == null ? config : (ObjectNode) nested);
        });
  }

  /// Changes the header of a weight file; the bytes of the tensors stay.
  public ModelCopy header(String name, Consumer<ObjectNode> change) throws IOException {
    return rawHeader(
        name,
        text -> {
          try {
            ObjectNode header = (ObjectNode) JSON.readTree(text);
            change.accept(header);
            return JSON.writeValueAsString(header);
          } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
          }
        });
  }

  /// Changes the header of a weight file as text, which need not be JSON afterwards.
  public ModelCopy rawHeader(String name, UnaryOperator<String> change) throws IOException {
    byte[] bytes = Files.readAllBytes(file(name));
    int length = (int) ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
    String text = new String(bytes, 8, length, StandardCharsets.UTF_8);
    byte[] header = change.apply(text).getBytes(StandardCharsets.UTF_8);
    byte[] data = Arrays.copyOfRange(bytes, 8 + length, bytes.length);
    return write(name, concatenate(length(header.length), header, data));
  }

  /// Changes what a weight file's header says of one tensor.
  public ModelCopy tensor(String name, String tensor, Consumer<ObjectNode> change)
      throws IOException {
    return header(
        name,
        header -> {
          if (!header.has(tensor)) {
            throw new AssertionError("No tensor " + tensor);
          }
          change.accept((ObjectNode) header.get(tensor));
        });
  }

  /// Replaces the bytes of one tensor.
  public ModelCopy fill(String name, String tensor, byte[] values) throws IOException {
    byte[] bytes = Files.readAllBytes(file(name));
    int length = (int) ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
    JsonNode place =
        JSON.readTree(Arrays.copyOfRange(bytes, 8, 8 + length)).get(tensor).get("data_offsets");
    if (place.get(1).intValue() - place.get(0).intValue() != values.length) {
      throw new AssertionError("Tensor " + tensor + " has another size");
    }
    System.arraycopy(values, 0, bytes, 8 + length + place.get(0).intValue(), values.length);
    return write(name, bytes);
  }

  /// Stores a BF16 tensor as F32 instead, behind all others; its old bytes stay, unclaimed.
  public ModelCopy widen(String name, String tensor) throws IOException {
    byte[] bytes = Files.readAllBytes(file(name));
    int length = (int) ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
    JsonNode entry = JSON.readTree(Arrays.copyOfRange(bytes, 8, 8 + length)).get(tensor);
    int data = 8 + length;
    int begin = data + entry.get("data_offsets").get(0).intValue();
    int end = data + entry.get("data_offsets").get(1).intValue();
    ByteBuffer wide = ByteBuffer.allocate(2 * (end - begin)).order(ByteOrder.LITTLE_ENDIAN);
    for (int at = begin; at < end; at += 2) {
      wide.putShort((short) 0).put(bytes, at, 2);
    }
    write(name, concatenate(bytes, wide.array()));
    return tensor(
        name,
        tensor,
        t ->
            t.put("dtype", "F32")
                .putArray("data_offsets")
                .add(bytes.length - data)
                .add(bytes.length - data + wide.capacity()));
  }

  /// Writes a header's length over the true one.
  public ModelCopy headerLength(String name, long length) throws IOException {
    byte[] bytes = Files.readAllBytes(file(name));
    System.arraycopy(length(length), 0, bytes, 0, 8);
    return write(name, bytes);
  }

  /// A whole weight file with this header and no data.
  public static byte[] headerAlone(String json) {
    byte[] header = json.getBytes(StandardCharsets.UTF_8);
    return concatenate(length(header.length), header);
  }

  /// A header's length as a weight file begins with it.
  public static byte[] length(long length) {
    return ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(length).array();
  }

  private static byte[] concatenate(byte[]... parts) {
    ByteBuffer all = ByteBuffer.allocate(List.of(parts).stream().mapToInt(p -> p.length).sum());
    for (byte[] part : parts) {
      all.put(part);
    }
    return all.array();
  }
}

package io.sparkllama4.weights;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sparkllama4.tensor.TensorSpec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.LongStream;

/// The plan of a safetensors file: which tensor goes where, and the header that says so.
public final class SafetensorsWriter {
  /// What fillers between tensors are called: the format allows no gaps.
  static final String FILLER = "filler.";

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Map<String, TensorSpec> tensors;
  private final Map<String, Long> begins = new LinkedHashMap<>();
  private final ObjectNode entries = JSON.createObjectNode();
  private final int alignment;
  private final long dataBytes;

  /// @param tensors name to what it is, in the order of the file
  /// @param alignment the data, and every tensor in it, begins at a multiple of so many bytes
  public SafetensorsWriter(Map<String, TensorSpec> tensors, int alignment) {
    this.tensors = new LinkedHashMap<>(tensors);
    this.alignment = alignment;
    long offset = 0;
    for (Map.Entry<String, TensorSpec> tensor : tensors.entrySet()) {
      long begin = roundUp(offset);
      if (begin > offset) {
        put(FILLER + offset, "U8", new long[] {begin - offset}, offset, begin);
      }
      TensorSpec spec = tensor.getValue();
      offset = begin + spec.bytes();
      put(tensor.getKey(), spec.dtype().name(), spec.shape().sizes(), begin, offset);
      begins.put(tensor.getKey(), begin);
    }
    this.dataBytes = offset;
  }

  private long roundUp(long bytes) {
    return (bytes + alignment - 1) / alignment * alignment;
  }

  private void put(String name, String dtype, long[] sizes, long begin, long end) {
    ObjectNode entry = entries.putObject(name).put("dtype", dtype);
    LongStream.of(sizes).forEach(entry.withArray("shape")::add);
    entry.withArray("data_offsets").add(begin).add(end);
  }

  /// What is planned, in the order of the file.
  public Map<String, TensorSpec> tensors() {
    return tensors;
  }

  /// Where a tensor begins, counted from the end of the header.
  ///
  /// @throws IllegalArgumentException where no tensor has this name
  public long begin(String tensor) {
    Long begin = begins.get(tensor);
    if (begin == null) {
      throw new IllegalArgumentException("No tensor [" + tensor + "] is planned");
    }
    return begin;
  }

  /// The bytes behind the header.
  public long dataBytes() {
    return dataBytes;
  }

  /// The whole header, its length first. Spaces fill it up to the alignment, so that it is as long
  /// for other values of the metadata if those are as long.
  public ByteBuffer header(Map<String, String> metadata) {
    ObjectNode all = JSON.createObjectNode();
    if (!metadata.isEmpty()) {
      ObjectNode node = all.putObject("__metadata__");
      metadata.forEach(node::put);
    }
    all.setAll(entries);
    byte[] json;
    try {
      json = JSON.writeValueAsString(all).getBytes(StandardCharsets.UTF_8);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("An object of texts and numbers is JSON", e);
    }
    int size = Math.toIntExact(roundUp(8L + json.length));
    ByteBuffer header = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    header.putLong(size - 8L).put(json);
    while (header.hasRemaining()) {
      header.put((byte) ' ');
    }
    return header.flip();
  }

  /// Writes all of `buffer` at `position`.
  public static void writeFully(FileChannel file, ByteBuffer buffer, long position)
      throws IOException {
    long at = position;
    while (buffer.hasRemaining()) {
      at += file.write(buffer, at);
    }
  }
}

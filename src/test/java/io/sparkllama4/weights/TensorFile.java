package io.sparkllama4.weights;

import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.NativeArena;
import io.sparkllama4.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

/// All tensors of a single safetensors file, as the oracles hold their expectations.
public final class TensorFile {
  private TensorFile() {}

  /// The tensors of `file`, mapped in `arena`.
  public static Map<String, Tensor> read(Path file, NativeArena arena) {
    try (FileChannel channel = FileChannel.open(file)) {
      SafetensorsHeader header = SafetensorsHeader.read(file.toString(), channel);
      var bytes = arena.map(channel, 0, channel.size());
      Map<String, Tensor> tensors = new TreeMap<>();
      header
          .tensors()
          .forEach(
              (name, stored) ->
                  tensors.put(
                      name,
                      new Tensor(
                          DType.valueOf(stored.typeName()),
                          stored.shape(),
                          bytes.asSlice(header.dataStart() + stored.begin(), stored.bytes()))));
      return tensors;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

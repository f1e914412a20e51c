package io.sparkllama4.weights;

import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Shape;
import java.util.Optional;

/// What a safetensors header says of one tensor.
///
/// @param name its name
/// @param typeName its type as written
/// @param shape its shape
/// @param begin its first byte, counted from the end of the header
/// @param end the byte after its last
record StoredTensor(String name, String typeName, Shape shape, long begin, long end) {

  /// The type, where it is one that we know.
  Optional<DType> dtype() {
    for (DType dtype : DType.values()) {
      if (dtype.name().equals(typeName)) {
        return Optional.of(dtype);
      }
    }
    return Optional.empty();
  }

  long bytes() {
    return end - begin;
  }
}

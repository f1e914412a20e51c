package io.sparkllama4.weights;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Elements;
import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.Matrix;
import io.sparkllama4.tensor.Quantization;
import io.sparkllama4.tensor.Shape;
import io.sparkllama4.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/// Takes single weights out of the files, each checked against what the configuration asks for, and
/// remembers which were used and how large they are.
final class WeightReader {
  private final TensorFiles files;
  private final QuantizationConfig quantization;
  private final Set<String> used = new HashSet<>();
  private long bytes;
  private long parameters;

  WeightReader(TensorFiles files, QuantizationConfig quantization) {
    this.files = files;
    this.quantization = quantization;
  }

  boolean has(String name) {
    return files.has(name);
  }

  /// Names that nobody asked for.
  Set<String> unused() {
    Set<String> unused = new java.util.TreeSet<>(files.names());
    unused.removeAll(used);
    return unused;
  }

  /// Marks a tensor that is known but not needed.
  void ignore(String name) {
    used.add(name);
  }

  /// The memory of the weights that were read.
  long bytes() {
    return bytes;
  }

  /// The number of weights that were read, packed or not.
  long parameters() {
    return parameters;
  }

  /// A tensor in a wide floating-point type.
  Tensor plain(String name, long... sizes) {
    Tensor tensor = typed(name, Shape.of(sizes));
    requireWide(name, tensor);
    parameters += tensor.shape().elements();
    return tensor;
  }

  /// The weights of `module`, stored plainly or quantised: `[outputs, inputs]`.
  Matrix matrix(String module, long outputs, long inputs) {
    String weight = module + ".weight";
    if (quantization.format() == QuantizationConfig.Format.INT4_GROUPS
        && files.has(module + ".weight_packed")) {
      return packed(module, outputs, inputs);
    }
    Tensor values = typed(weight, Shape.of(outputs, inputs));
    parameters += values.shape().elements();
    boolean scaled = files.has(module + ".weight_scale");
    if (values.dtype() == DType.F8_E4M3
        && (scaled || quantization.format() == QuantizationConfig.Format.FP8_ROWS)) {
      Tensor scales = scales(module, Shape.of(outputs, 1));
      return new Matrix(
          outputs,
          inputs,
          Matrix.Order.OUTPUT_MAJOR,
          values,
          new Quantization.Fp8PerRow(scales.reshape(outputs)));
    }
    requireWide(weight, values);
    return Matrix.of(values);
  }

  private Matrix packed(String module, long outputs, long inputs) {
    String shapeName = module + ".weight_shape";
    Tensor shape = typed(shapeName, Shape.of(2));
    requireType(shapeName, shape, DType.I64);
    requireStated(shapeName, shape.data(), Shape.of(outputs, inputs));
    String packedName = module + ".weight_packed";
    Tensor values = typed(packedName, Shape.of(outputs, Matrix.wordsPerRow(inputs)));
    requireType(packedName, values, DType.I32);
    for (String part : new String[] {".weight_zero_point", ".weight_g_idx"}) {
      if (files.has(module + part)) {
        throw ErrorReport.of(
                ErrorCode.UNSUPPORTED_FEATURE,
                "Asymmetric or reordered 4-bit weights are not built")
            .file(files.fileOf(module + part))
            .tensor(module + part)
            .found(part.substring(1), "symmetric weights in their own order")
            .exception();
      }
    }
    long groups = (inputs + quantization.group() - 1) / quantization.group();
    Tensor scales = scales(module, Shape.of(outputs, groups));
    parameters += outputs * inputs;
    return new Matrix(
        outputs,
        inputs,
        Matrix.Order.OUTPUT_MAJOR,
        values,
        new Quantization.Int4PerGroup(scales, quantization.group(), false));
  }

  /// Checks a shape that is stored as two numbers, which need not be one.
  private void requireStated(String name, MemorySegment numbers, Shape expected) {
    long rows = numbers.get(Elements.LONG, 0);
    long columns = numbers.get(Elements.LONG, Long.BYTES);
    if (rows != expected.size(0) || columns != expected.size(1)) {
      throw wrongShape(name, "[" + rows + ", " + columns + "]", expected);
    }
  }

  private Tensor scales(String module, Shape shape) {
    String name = module + ".weight_scale";
    Tensor scales = typed(name, shape);
    requireWide(name, scales);
    return scales;
  }

  /// Part of a linear layer without a bias.
  Linear.Part part(String module, long outputs, long inputs) {
    return new Linear.Part(matrix(module, outputs, inputs), Linear.NO_BIAS);
  }

  /// Part of a linear layer with a bias.
  Linear.Part partWithBias(String module, long outputs, long inputs) {
    return new Linear.Part(matrix(module, outputs, inputs), plain(module + ".bias", outputs));
  }

  /// A tensor of the expected shape and any type.
  private Tensor typed(String name, Shape expected) {
    StoredTensor stored = files.describe(name);
    requireShape(name, stored.shape(), expected);
    Optional<DType> dtype = stored.dtype();
    if (dtype.isEmpty()) {
      throw wrongType(name, stored.typeName());
    }
    used.add(name);
    bytes += stored.bytes();
    return files.tensor(name, dtype.get());
  }

  private void requireShape(String name, Shape found, Shape expected) {
    if (!found.equals(expected)) {
      throw wrongShape(name, found, expected);
    }
  }

  private RuntimeException wrongShape(String name, Object found, Shape expected) {
    return ErrorReport.of(
            ErrorCode.SHAPE_MISMATCH, "A tensor has not the shape that config.json asks for")
        .file(files.fileOf(name))
        .tensor(name)
        .found(found, expected)
        .exception();
  }

  private void requireWide(String name, Tensor tensor) {
    if (!tensor.dtype().isWideFloat()) {
      throw wrongType(name, tensor.dtype().name());
    }
  }

  private void requireType(String name, Tensor tensor, DType expected) {
    if (tensor.dtype() != expected) {
      throw ErrorReport.of(ErrorCode.DTYPE_MISMATCH, "A tensor has a type that cannot hold it")
          .file(files.fileOf(name))
          .tensor(name)
          .found(tensor.dtype(), expected)
          .exception();
    }
  }

  private RuntimeException wrongType(String name, String found) {
    return ErrorReport.of(ErrorCode.DTYPE_MISMATCH, "A tensor has a type that cannot hold it")
        .file(files.fileOf(name))
        .tensor(name)
        .found(found, "F32, BF16, F16, or F8_E4M3 with a weight_scale")
        .exception();
  }
}

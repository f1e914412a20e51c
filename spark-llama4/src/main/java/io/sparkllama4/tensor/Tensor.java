package io.sparkllama4.tensor;

import java.lang.foreign.MemorySegment;

/// Elements of one type in a shape, row-major, somewhere in native memory.
///
/// A tensor is a view: it owns nothing, and lives as long as the [NativeArena] of its memory.
/// Element counts and indices are `long`, since one expert tensor can hold more than 2^31 elements.
///
/// @param dtype the type of the elements
/// @param shape the sizes
/// @param data the memory, exactly as long as the elements need; on a device, an address alone
public record Tensor(DType dtype, Shape shape, MemorySegment data) {

  /// @throws IllegalArgumentException where `data` is not as long as `shape` needs
  public Tensor {
    long needed = Math.multiplyExact(shape.elements(), dtype.bytes());
    if (data.byteSize() != needed) {
      throw new IllegalArgumentException(
          "A tensor "
              + dtype
              + shape
              + " needs ["
              + needed
              + "] bytes, not ["
              + data.byteSize()
              + "]");
    }
  }

  /// The size of dimension `i`.
  public long size(int i) {
    return shape.size(i);
  }

  /// The size of the outermost dimension, which counts things that fit an `int`: tokens, rows.
  public int rows() {
    return Math.toIntExact(shape.size(0));
  }

  /// The number of elements behind one index of the outermost dimension.
  public long rowElements() {
    return shape.rowElements();
  }

  /// The first `count` rows.
  public Tensor rows(long count) {
    return rows(0, count);
  }

  /// `count` rows from `first` on.
  public Tensor rows(long first, long count) {
    long rowBytes = rowElements() * dtype.bytes();
    return new Tensor(
        dtype, shape.withRows(count), data.asSlice(first * rowBytes, count * rowBytes));
  }

  /// Index `i` of the outermost dimension, without that dimension.
  public Tensor row(long i) {
    long rowBytes = rowElements() * dtype.bytes();
    return new Tensor(dtype, shape.row(), data.asSlice(i * rowBytes, rowBytes));
  }

  /// The same elements in another shape.
  public Tensor reshape(long... sizes) {
    return new Tensor(dtype, Shape.of(sizes), data);
  }

  /// Element `index` of an F32 tensor.
  public float at(long index) {
    return data.get(Elements.FLOAT, 4 * index);
  }

  /// Sets element `index` of an F32 tensor.
  public void set(long index, float value) {
    data.set(Elements.FLOAT, 4 * index, value);
  }

  /// Element `index` of an I32 tensor.
  public int intAt(long index) {
    return data.get(Elements.INT, 4 * index);
  }

  /// Sets element `index` of an I32 tensor.
  public void set(long index, int value) {
    data.set(Elements.INT, 4 * index, value);
  }

  /// Element `index`, whatever floating-point type it is stored in.
  public float decode(long index) {
    return Elements.decode(data, dtype, index);
  }
}

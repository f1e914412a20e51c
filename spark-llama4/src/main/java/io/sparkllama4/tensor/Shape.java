package io.sparkllama4.tensor;

import java.util.Arrays;
import java.util.stream.Collectors;

/// The sizes of a tensor's dimensions, outermost first; row-major, without gaps.
public final class Shape {
  private final long[] sizes;

  /// Products that kernels ask for again and again.
  private final long elements;

  private final long rowElements;

  private Shape(long[] sizes) {
    this.sizes = sizes;
    this.rowElements = product(sizes, 1);
    this.elements = product(sizes, 0);
  }

  private static long product(long[] sizes, int first) {
    long product = 1;
    for (int i = first; i < sizes.length; i++) {
      product *= sizes[i];
    }
    return product;
  }

  /// The shape with these sizes.
  ///
  /// @throws IllegalArgumentException where a size is negative or the number of elements exceeds a
  ///     `long`
  public static Shape of(long... sizes) {
    Shape shape = new Shape(sizes.clone());
    long elements = 1;
    for (long size : sizes) {
      if (size < 0) {
        throw new IllegalArgumentException("A size of [" + shape + "] is negative");
      }
      try {
        elements = Math.multiplyExact(elements, size);
      } catch (ArithmeticException e) {
        throw new IllegalArgumentException("[" + shape + "] has too many elements", e);
      }
    }
    return shape;
  }

  /// The number of dimensions.
  public int rank() {
    return sizes.length;
  }

  /// The size of dimension `i`, counted from 0, the outermost.
  public long size(int i) {
    return sizes[i];
  }

  /// All sizes.
  public long[] sizes() {
    return sizes.clone();
  }

  /// The product of all sizes.
  public long elements() {
    return elements;
  }

  /// The number of elements behind one index of the outermost dimension.
  public long rowElements() {
    return rowElements;
  }

  /// This shape with another outermost size.
  public Shape withRows(long rows) {
    long[] changed = sizes.clone();
    changed[0] = rows;
    return new Shape(changed);
  }

  /// The shape without its outermost dimension.
  public Shape row() {
    return new Shape(Arrays.copyOfRange(sizes, 1, sizes.length));
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Shape shape && Arrays.equals(sizes, shape.sizes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(sizes);
  }

  /// The sizes as `[16, 64, 96]`.
  @Override
  public String toString() {
    return Arrays.stream(sizes)
        .mapToObj(Long::toString)
        .collect(Collectors.joining(", ", "[", "]"));
  }
}

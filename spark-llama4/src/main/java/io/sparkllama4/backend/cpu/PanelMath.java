package io.sparkllama4.backend.cpu;

import io.sparkllama4.tensor.Matrix;
import io.sparkllama4.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/// What one thread computes at a time, on matrices in panels. Every sum is taken in an order that
/// the shapes of the weights alone decide.
interface PanelMath {
  /// Rows of floats, or of quantised inputs, in memory.
  ///
  /// @param at byte of the first row
  /// @param stride bytes from a row to the next
  /// @param count number of rows
  record Rows(MemorySegment data, long at, long stride, int count) {
    /// All rows of a tensor of floats.
    static Rows of(Tensor tensor) {
      return new Rows(tensor.data(), 0, 4 * tensor.rowElements(), tensor.rows());
    }

    /// Rows `first` up to `end`.
    Rows slice(int first, int end) {
      return new Rows(data, at + first * stride, stride, end - first);
    }

    /// The same rows from `column` floats on.
    Rows from(long column) {
      return new Rows(data, at + 4 * column, stride, count);
    }

    /// The address of the first row.
    long address() {
      return data.address() + at;
    }
  }

  /// Bytes of a row of quantised inputs of `weight`.
  long quantizedBytes(Matrix weight);

  /// Quantises rows of floats for `weight`.
  void quantize(Matrix weight, Rows input, Rows target);

  /// `output = input Wt` for `outputs` outputs from panel `first` on.
  ///
  /// @param input floats, or what [#quantize] made where the weight quantises its inputs
  /// @param worker number of the thread, which owns scratch memory
  void product(Matrix weight, long first, long outputs, Rows input, Rows output, int worker);

  /// `output = silu(gate) * up` for rows of `width` floats.
  void swiGlu(Rows gate, Rows up, long width, Rows output);

  /// `output = input / rms(input) * weight` for rows of `width` floats.
  ///
  /// @param weight F32 `[width]`
  void rmsNorm(Rows input, Tensor weight, float epsilon, Rows output);

  /// `target += addend`, `count` floats from byte `at` on.
  void add(Tensor addend, Tensor target, long at, long count);

  /// What can be measured at best.
  enum Ceiling {
    FP32,
    INT8,
    INT4,
    BF16,
    MEMORY
  }

  /// Does what a ceiling counts, and returns how much it did: multiplications and additions, or
  /// bytes; -1 where this path has no such instructions.
  ///
  /// @param rounds how often, for what is done in registers
  /// @param at first byte of `memory` that is read
  double ceiling(Ceiling what, long rounds, Tensor memory, long at, long bytes);
}

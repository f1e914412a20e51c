package io.sparkllama4.backend.check;

import io.sparkllama4.tensor.Tensor;
import java.util.Locale;

/// Compares numbers, and keeps the largest error as a share of what is allowed.
final class Comparison {
  /// In place of a share where something is no number.
  private static final double WORST = 1e300;

  private long numbers;
  private long others;
  private double largest;
  private double share;
  private String worst = "";

  /// One number.
  ///
  /// @param index of it in `what`
  /// @param bound the most by which it may differ
  void number(String what, long index, double found, double expected, double bound) {
    numbers++;
    double error = Math.abs(found - expected);
    boolean isClose = error <= bound || Double.compare(found, expected) == 0;
    if (!isClose) {
      others++;
    }
    if (Double.isFinite(error)) {
      largest = Math.max(largest, error);
    }
    double of = isClose && error == 0 ? 0 : error / Math.max(bound, Double.MIN_NORMAL);
    // What is no number is worse than any.
    of = Double.isNaN(of) ? (isClose ? 0 : WORST) : Math.min(of, WORST);
    boolean isFirst = !isClose && others == 1;
    if (of > share || isFirst) {
      share = Math.max(of, share);
      worst = what + " [" + index + "] is " + found + " where " + expected + " is right";
    }
  }

  /// All elements of floats.
  ///
  /// @param bound the most by which an element may differ
  void floats(String what, Tensor found, Tensor expected, double bound) {
    for (long i = 0; i < expected.shape().elements(); i++) {
      number(what, i, found.at(i), expected.at(i), bound);
    }
  }

  /// All elements of floats, each within `tolerance` of its size, or of 1 where it is smaller.
  void relative(String what, Tensor found, Tensor expected, double tolerance) {
    for (long i = 0; i < expected.shape().elements(); i++) {
      double bound = tolerance * Math.max(1, Math.abs(expected.at(i)));
      number(what, i, found.at(i), expected.at(i), bound);
    }
  }

  /// All elements of floats, within `tolerance` of the largest of them.
  void besideLargest(String what, Tensor found, Tensor expected, double tolerance) {
    double most = 0;
    for (long i = 0; i < expected.shape().elements(); i++) {
      most = Math.max(most, Math.abs(expected.at(i)));
    }
    // Zeros alone would agree with whatever never ran.
    that(what + " has more than zeros", most > 0);
    floats(what, found, expected, tolerance * most);
  }

  /// All bits of two pieces of memory.
  void bits(String what, Tensor found, Tensor expected) {
    long first = found.data().mismatch(expected.data());
    number(what + ": first byte that differs", 0, (double) first, -1, 0);
  }

  /// Something that is right or wrong.
  void that(String what, boolean holds) {
    number(what, 0, holds ? 1 : 0, 1, 0);
  }

  /// What it comes to.
  Finding finding() {
    String text =
        others > 0
            ? String.format(
                Locale.ROOT, "%,d of %,d numbers are wrong; the worst: %s", others, numbers, worst)
            : String.format(
                Locale.ROOT,
                "%,d numbers agree, the worst with %.0f %% of its bound",
                numbers,
                100 * share);
    return Finding.that(others == 0 && numbers > 0, text)
        .with("numbers", (double) numbers)
        .with("largest_error", largest)
        .with("share_of_bound", share);
  }
}

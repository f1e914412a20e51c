package io.sparkllama4.backend;

/// Which part of a matrix `[outputs, inputs]` one rank holds of those that share a model.
///
/// Heads are placed as rows of the projections into them and columns of the one out of them.
/// Experts are placed as a whole, each on one rank: a rank's layer lists only its own.
public sealed interface Placement {
  /// All of it: every rank makes all outputs.
  static Placement replicated() {
    return new Replicated();
  }

  /// All of it, on every rank.
  record Replicated() implements Placement {}

  /// Some outputs, with their biases: what the ranks make stands side by side.
  ///
  /// @param outputs of each part of a layer, such as a gate and its up
  record Rows(Span outputs) implements Placement {}

  /// What some inputs contribute: the ranks make partial sums, which [Kernels#allReduce] adds. The
  /// bias is with the first input, so that it counts once.
  ///
  /// @param inputs of every part of a layer
  record Columns(Span inputs) implements Placement {}

  /// The outputs of a part that are held.
  ///
  /// @param outputs all that it has
  default Span rows(int outputs) {
    return this instanceof Rows(Span held) ? held : Span.all(outputs);
  }

  /// The inputs whose contribution is held.
  ///
  /// @param inputs all that there are
  default Span columns(int inputs) {
    return this instanceof Columns(Span held) ? held : Span.all(inputs);
  }
}

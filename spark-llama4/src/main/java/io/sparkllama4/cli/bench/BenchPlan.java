package io.sparkllama4.cli.bench;

import java.util.List;

/// What is measured.
///
/// @param prefill prompt lengths
/// @param decode numbers of sequences
/// @param prompt tokens of each prompt before decoding
/// @param tokens steps of decoding
/// @param rows rows with a shared prefix; 0 for none
/// @param classified rows that get labels; 0 for none
/// @param shape of the rows
/// @param repeats how often
public record BenchPlan(
    List<Integer> prefill,
    List<Integer> decode,
    int prompt,
    int tokens,
    int rows,
    int classified,
    RowShape shape,
    Repeats repeats) {

  /// The sizes of rows.
  ///
  /// @param sharedPrefix tokens of the instruction
  /// @param own tokens that each has for itself
  /// @param out tokens that are generated for each
  /// @param rowBatch rows in flight
  /// @param label tokens of a label
  public record RowShape(int sharedPrefix, int own, int out, int rowBatch, int label) {}

  /// How often cases are measured.
  ///
  /// @param rounds those that take seconds
  /// @param rowRounds those of many rows
  /// @param withCeilings whether the machine's ceilings are measured beside each
  public record Repeats(int rounds, int rowRounds, boolean withCeilings) {}

  /// Copies the lists.
  public BenchPlan {
    prefill = List.copyOf(prefill);
    decode = List.copyOf(decode);
  }
}

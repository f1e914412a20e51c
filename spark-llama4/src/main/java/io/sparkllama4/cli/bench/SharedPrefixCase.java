package io.sparkllama4.cli.bench;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sparkllama4.engine.Completion;
import io.sparkllama4.engine.Engine;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// Rows that begin with the same instruction: every row pays for it, or all of them once. Generated
/// tokens are counted. Each run has an engine of its own, so that none finds what another left.
final class SharedPrefixCase implements Case {
  /// What the rows look like.
  ///
  /// @param rows how many
  /// @param shared tokens of the instruction
  /// @param own tokens that each row has for itself
  /// @param out tokens that are generated for each
  /// @param rowBatch rows in flight
  public record Shape(int rows, int shared, int own, int out, int rowBatch) {}

  private final Shape shape;

  /// The case in which every row pays; empty where this is it.
  private final Optional<SharedPrefixCase> perRow;

  private List<Completion> answers = List.of();

  private SharedPrefixCase(Shape shape, Optional<SharedPrefixCase> perRow) {
    this.shape = shape;
    this.perRow = perRow;
  }

  /// Every row computes the instruction.
  static SharedPrefixCase perRow(Shape shape) {
    return new SharedPrefixCase(shape, Optional.empty());
  }

  /// The same rows as `perRow`, run behind it; the instruction is computed as often as the engine's
  /// reuse of prefixes makes it.
  static SharedPrefixCase once(SharedPrefixCase perRow) {
    return new SharedPrefixCase(perRow.shape, Optional.of(perRow));
  }

  @Override
  public String name() {
    return perRow.isPresent() ? "rows_prefix_once" : "rows_prefix_per_row";
  }

  @Override
  public int n() {
    return shape.rows();
  }

  @Override
  public boolean warmsUp() {
    return false;
  }

  @Override
  public Sample run(BenchModel model) throws InterruptedException {
    int[] prefix = model.ids().prefix(shape.shared());
    List<int[]> prompts = new ArrayList<>();
    for (int row = 0; row < shape.rows(); row++) {
      prompts.add(concatenate(prefix, model.ids().row(row, shape.own())));
    }
    Rows rows = Rows.generate(prompts, shape.out());
    try (Engine engine =
        model.freshEngine(Math.min(shape.rows(), shape.rowBatch()), perRow.isPresent())) {
      long start = System.nanoTime();
      answers = rows.answers(engine);
      double seconds = (System.nanoTime() - start) * 1e-9;
      model.note(engine);
      double generated = (double) shape.rows() * shape.out();
      double computed = promptTokens() - cachedTokens() + generated - shape.rows();
      return new Sample(generated, seconds, model.work().flops(computed, generated), 0);
    }
  }

  static int[] concatenate(int[] first, int[] second) {
    int[] all = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, all, first.length, second.length);
    return all;
  }

  private long promptTokens() {
    return answers.stream().mapToLong(answer -> answer.usage().promptTokens()).sum();
  }

  private long cachedTokens() {
    return answers.stream().mapToLong(answer -> answer.usage().cachedTokens()).sum();
  }

  @Override
  public void describe(ObjectNode document, double tokensPerSecond) {
    document.put("rows_per_s", tokensPerSecond / shape.out());
    document.put("prompt_tokens", promptTokens()).put("cached_tokens", cachedTokens());
    int sameFirst = 0;
    int same = 0;
    List<Completion> expected = perRow.isPresent() ? perRow.get().answers : answers;
    for (int row = 0; row < answers.size(); row++) {
      int[] ids = answers.get(row).ids();
      int[] other = expected.get(row).ids();
      sameFirst += ids[0] == other[0] ? 1 : 0;
      same += Arrays.equals(ids, other) ? 1 : 0;
    }
    document.put("same_first_token_as_per_row", sameFirst).put("same_answer_as_per_row", same);
  }
}

package io.sparkllama4.golden;

import io.sparkllama4.backend.Kernels;
import io.sparkllama4.backend.Routing;
import io.sparkllama4.backend.SampleResult;
import io.sparkllama4.backend.SampleRow;
import io.sparkllama4.backend.SampleRow.Penalties;
import io.sparkllama4.backend.Span;
import io.sparkllama4.backend.cpu.CpuBackend;
import io.sparkllama4.backend.cpu.ScalarKernels;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.NativeArena;
import io.sparkllama4.tensor.Tensor;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;

/// A wrong kernel whose error no oracle shows, with an input that shows it.
///
/// @param name what is wrong, in a few words
/// @param change what is changed against the right kernel
/// @param input the input that shows it
/// @param right what comes out where nothing is wrong, worked out by hand
/// @param wrong what the error makes of it
/// @param kernels the kernels that have the error
/// @param outcome computes the number that `right` is about
record MadeInputError(
    String name,
    String change,
    String input,
    double right,
    double wrong,
    Kernels kernels,
    Outcome outcome) {

  /// A number that kernels compute.
  interface Outcome {
    double of(Kernels kernels, NativeArena memory);
  }

  /// Logits whose softmax is 0.5, 0.3, 0.2.
  private static final float[] HALF_THIRD_FIFTH = {
    (float) Math.log(0.5), (float) Math.log(0.3), (float) Math.log(0.2)
  };

  /// Token 0, and how often the output holds it.
  private static final int[] TOKEN = {0};

  private static final int[] NEVER = {0};

  static final List<MadeInputError> ALL =
      List.of(
          new MadeInputError(
              "tie broken upward",
              "of experts with equal logits the highest index is chosen",
              "router logits 1, 3, 3, 2",
              1,
              2,
              new TieUpward(),
              (kernels, memory) -> chosenExpert(kernels, memory, 1, 3, 3, 2)),
          new MadeInputError(
              "epsilon left out of norms",
              "nothing is added to the mean square",
              "a row of 0.003, weights of 1, epsilon 1e-5: 0.003 / sqrt(1.9e-5)",
              0.688247,
              1,
              new WithoutEpsilon(),
              MadeInputError::norm),
          new MadeInputError(
              "epsilon left out of the head norm",
              "nothing is added to the mean square",
              "a head of 0.003, epsilon 1e-5: 0.003 / sqrt(1.9e-5)",
              0.688247,
              1,
              new WithoutEpsilon(),
              MadeInputError::headNorm),
          new MadeInputError(
              "top-p without the token that crosses",
              "candidates end before their mass reaches top-p",
              "probabilities 0.5, 0.3, 0.2; top-p 0.6, random number 0.9",
              1,
              0,
              new SampleBefore(MadeInputError::withoutCrossing),
              sampled(row(1, 0.6f, Penalties.NONE, 0.9))),
          new MadeInputError(
              "temperature multiplied",
              "logits are multiplied with the temperature",
              "probabilities 0.5, 0.3, 0.2; temperature 2, random number 0.8",
              2,
              1,
              new SampleBefore(row -> row(1 / row.temperature(), 1, Penalties.NONE, row.uniform())),
              sampled(row(2, 1, Penalties.NONE, 0.8))),
          new MadeInputError(
              "presence penalty for the prompt",
              "tokens of the prompt count as if the output held them",
              "probabilities 0.5, 0.3, 0.2; greedy, token 0 in the prompt, presence penalty 1",
              0,
              1,
              new SampleBefore(MadeInputError::countedInPrompt),
              sampled(row(0, 1, new Penalties(1, 1, 0, TOKEN, NEVER), 0))),
          new MadeInputError(
              "repetition penalty divides negative logits",
              "a penalty above 1 raises them",
              "log-probabilities of 0.5, 0.3, 0.2; greedy, token 0 repeated, penalty 2",
              1,
              0,
              new SampleBefore(MadeInputError::raised),
              sampled(row(0, 1, new Penalties(2, 0, 0, TOKEN, NEVER), 0))),
          new MadeInputError(
              "log-probabilities after temperature",
              "they are those of the logits divided by the temperature",
              "probabilities 0.5, 0.3, 0.2; temperature 2, the best token's: ln 0.5",
              Math.log(0.5),
              // The roots of 0.5, 0.3 and 0.2 add up to 1.702043.
              Math.log(Math.sqrt(0.5) / 1.702043),
              new TemperedLogprobs(),
              (kernels, memory) ->
                  sample(kernels, memory, row(2, 1, Penalties.NONE, 0.8))
                      .alternativeLogprobs()[0]));

  private static SampleRow row(float temperature, float topP, Penalties penalties, double uniform) {
    return new SampleRow(temperature, 0, topP, 0, penalties, uniform, new int[0], 1);
  }

  private static Outcome sampled(SampleRow row) {
    return (kernels, memory) -> sample(kernels, memory, row).id();
  }

  private static SampleResult sample(Kernels kernels, NativeArena memory, SampleRow row) {
    return kernels.sample(tensor(memory, HALF_THIRD_FIFTH), List.of(row)).getFirst();
  }

  private static double chosenExpert(Kernels kernels, NativeArena memory, float... logits) {
    try (CpuBackend backend = CpuBackend.scalar()) {
      Routing routing = backend.allocateRouting(1, logits.length, 1, memory);
      kernels.route(tensor(memory, logits), 1, Span.all(logits.length), routing);
      return routing.experts()[0];
    }
  }

  private static double norm(Kernels kernels, NativeArena memory) {
    Tensor row = tensor(memory, 0.003f, 0.003f, 0.003f, 0.003f);
    kernels.rmsNorm(row, tensor(memory, 1, 1, 1, 1).row(0), 1e-5f, row);
    return row.at(0);
  }

  private static double headNorm(Kernels kernels, NativeArena memory) {
    Tensor row = tensor(memory, 0.003f, 0.003f, 0.003f, 0.003f);
    kernels.normHeads(row, 4, 1e-5f);
    return row.at(0);
  }

  /// One row of numbers.
  private static Tensor tensor(NativeArena memory, float... values) {
    Tensor row = memory.allocate(DType.F32, 1, values.length);
    for (int i = 0; i < values.length; i++) {
      row.set(i, values[i]);
    }
    return row;
  }

  private static final class TieUpward extends ScalarKernels {
    @Override
    public void route(Tensor logits, int chosen, Span held, Routing routing) {
      try (NativeArena memory = new NativeArena()) {
        Tensor raised = memory.allocate(DType.F32, logits.rows(), logits.rowElements());
        for (long i = 0; i < logits.shape().elements(); i++) {
          // So little that only equal logits change places.
          raised.set(i, logits.at(i) + i * Math.ulp(logits.at(i)));
        }
        super.route(raised, chosen, held, routing);
      }
    }
  }

  private static final class WithoutEpsilon extends ScalarKernels {
    @Override
    public void rmsNorm(Tensor input, Tensor weight, float epsilon, Tensor output) {
      super.rmsNorm(input, weight, 0, output);
    }

    @Override
    public void normHeads(Tensor heads, int headDim, float epsilon) {
      super.normHeads(heads, headDim, 0);
    }
  }

  /// Samples as if something else had been asked.
  private static final class SampleBefore extends ScalarKernels {
    private final UnaryOperator<SampleRow> change;

    SampleBefore(UnaryOperator<SampleRow> change) {
      this.change = change;
    }

    @Override
    public List<SampleResult> sample(Tensor logits, List<SampleRow> rows) {
      return super.sample(logits, rows.stream().map(change).toList());
    }
  }

  /// For the logits of this class, whose probabilities fall.
  private static SampleRow withoutCrossing(SampleRow row) {
    double before = 0;
    double mass = 0;
    for (float logit : HALF_THIRD_FIFTH) {
      mass += Math.exp(logit);
      before = mass <= row.topP() ? mass : before;
    }
    return row(row.temperature(), (float) before, row.penalties(), row.uniform());
  }

  private static SampleRow countedInPrompt(SampleRow row) {
    Penalties right = row.penalties();
    int[] counts = Arrays.stream(right.outputCounts()).map(count -> count + 1).toArray();
    return with(
        row,
        new Penalties(
            right.repetition(), right.presence(), right.frequency(), right.tokens(), counts));
  }

  /// For the logits of this class, all of which are negative: the inverse divides them.
  private static SampleRow raised(SampleRow row) {
    Penalties right = row.penalties();
    return with(
        row,
        new Penalties(
            1 / right.repetition(),
            right.presence(),
            right.frequency(),
            right.tokens(),
            right.outputCounts()));
  }

  private static SampleRow with(SampleRow row, Penalties penalties) {
    return row(row.temperature(), row.topP(), penalties, row.uniform());
  }

  private static final class TemperedLogprobs extends ScalarKernels {
    @Override
    public List<SampleResult> sample(Tensor logits, List<SampleRow> rows) {
      for (long i = 0; i < logits.shape().elements(); i++) {
        logits.set(i, logits.at(i) / rows.getFirst().temperature());
      }
      return super.sample(
          logits,
          rows.stream().map(row -> row(1, row.topP(), row.penalties(), row.uniform())).toList());
    }
  }

  /// Its line in the table of `docs/planted-errors.md`.
  String tableRow() {
    return String.format(
        "| %s | %s | %s | %s | %s |", name, change, input, rounded(right), rounded(wrong));
  }

  private static String rounded(double value) {
    return BigDecimal.valueOf(value).round(new MathContext(4)).stripTrailingZeros().toPlainString();
  }

  @Override
  public String toString() {
    return name;
  }
}

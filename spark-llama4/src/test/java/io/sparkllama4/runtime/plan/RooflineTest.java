package io.sparkllama4.runtime.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The roofline against the same arithmetic done by hand.
class RooflineTest {
  private static final List<Integer> SEQUENCES = List.of(1, 16, 64, 128, 256, 512, 1024);

  /// Rows of `max(bytes / bandwidth, FLOP / rate)` in round figures: no scales of 8-bit weights, no
  /// routers, no norms, contexts of 1024 tokens, everything cut evenly. Capacities in thousands.
  @ParameterizedTest
  @CsvSource({
    "scout,1xH100,int4,bf16,84,230 1151 2931",
    "scout,1xH100,int4,fp8,169,232 1193 3214 5800",
    "scout,1xH100,int4-all,bf16,123,371 1306 3170",
    "scout,1xH100,int4-all,fp8,246,375 1360 3504 6268",
    "scout,4xH100,bf16,bf16,525,412 1449 3841 7171 12944 21674",
    "scout,4xH100,fp8,fp8,2126,775 2859 7612 14219 25689 43067 65079",
    "scout,4xH100,int4,bf16,1301,921 4607 11726 19758 30467 41800 51351",
    "scout,4xH100,int4,fp8,2601,928 4772 12858 23202 39511 60935 83601",
    "scout,4xH100,int4-all,fp8,2679,1502 5441 14018 25073 42192 64075 86509",
    "maverick,8xH100,fp8,fp8,2390,1551 6989 9906 12614 18316 30816 54488",
    "maverick,8xH100,int4,bf16,2154,1843 10853 16440 20812 28964 44038 65624",
    "maverick,8xH100,int4,fp8,4308,1856 11314 17522 22576 32500 52767 87091",
    "maverick,8xH100,int4-all,fp8,4386,3004 13242 18569 23427 33372 53911 88643"
  })
  void rowsOfTheFormula(
      String model, String gpus, String dtype, String kv, long thousandTokens, String row) {
    GpuPlan plan = Plans.plan(model, gpus, dtype, kv, 1024);
    assertThat(plan.fits()).isTrue();
    assertThat((double) plan.tokens()).isCloseTo(1000.0 * thousandTokens, withinPercentage(2));
    List<Double> expected = Arrays.stream(row.split(" ", -1)).map(Double::valueOf).toList();
    for (int i = 0; i < expected.size(); i++) {
      // Routers, 31 MB on every GPU, weigh most where a step reads least.
      double most = gpus.startsWith("8") && dtype.equals("int4-all") && i == 0 ? 3 : 2;
      assertThat(Plans.decode(plan, SEQUENCES.get(i)))
          .as("%s sequences", SEQUENCES.get(i))
          .isCloseTo(expected.get(i), withinPercentage(most));
    }
  }

  /// The same rows again: what does not fit has no figure.
  @Test
  void sequencesThatDoNotFitAreLeftOut() {
    GpuPlan plan = Plans.plan("scout", "1xH100", "int4", "fp8", 1024);
    assertThat(plan.roofline().decode())
        .extracting(Roofline.Decode::sequences)
        .containsExactly(1L, 16L, 64L, 128L, plan.sequences());
    assertThat(plan.sequences()).isEqualTo(plan.tokens() / 1024);
    for (String dtype : List.of("bf16", "fp8")) {
      GpuPlan wide = Plans.plan("scout", "1xH100", dtype, "fp8", 1024);
      assertThat(wide.fits()).isFalse();
      assertThat(wide.roofline()).isEqualTo(Roofline.NONE);
    }
  }

  /// 30.7 thousand tokens on an H100 at 32.2 GFLOP each, without routers and in round figures.
  @ParameterizedTest
  @CsvSource({
    "scout,4xH100,bf16,122856",
    "scout,1xH100,int4,30714",
    "scout,4xH100,fp8,245840",
    "maverick,8xH100,fp8,491680",
    "scout,2xB200,bf16,139752"
  })
  void prefillOfMatrices(String model, String gpus, String dtype, double tokensPerSecond) {
    Roofline roofline = Plans.plan(model, gpus, dtype, "fp8", 1024).roofline();
    assertThat(roofline.prefillTokensPerSecond()).isCloseTo(tokensPerSecond, withinPercentage(1.1));
  }

  /// Tokens of a prompt of 16,384 see 4,096.5 keys in the middle in Scout's 36 chunked layers, and
  /// twice as many in the 12 others: four FLOP for each of 5,120 elements.
  @Test
  void prefillWithAttention() {
    Roofline roofline = Plans.plan("scout", "1xH100", "int4", "fp8", 16_384).roofline();
    double matrices = 989e12 / roofline.prefillTokensPerSecond();
    double attention = 4 * 5120 * (36 * 4096.5 + 12 * 8192.5);
    assertThat(roofline.prefillWithAttention())
        .isCloseTo(989e12 / (matrices + attention), withinPercentage(0.0001));
  }

  /// All of Scout's int4 weights but the embedding, 61 GB, pass in 18.2 ms, in which the tensor
  /// cores compute 18 TFLOP.
  @Test
  void prefillNeedsStepsOfHundredsOfTokens() {
    Roofline roofline = Plans.plan("scout", "1xH100", "int4", "fp8", 1024).roofline();
    assertThat((double) roofline.prefillStepTokens())
        .isCloseTo(61.03e9 / 3.35e12 * 989e12 / 32.27e9, withinPercentage(0.5));
  }

  /// A sequence of 16,384 tokens reads the keys and values of all of them in 12 layers, and of one
  /// chunk in 36: what it reads more than a sequence of 8,192 tokens is in the 12 layers alone.
  @Test
  void chunkedLayersReadOneChunk() {
    GpuPlan one = Plans.plan("scout", "1xH100", "int4", "bf16", 8192);
    GpuPlan two = Plans.plan("scout", "1xH100", "int4", "bf16", 16_384);
    double seconds = 1 / Plans.decode(two, 1) - 1 / Plans.decode(one, 1);
    assertThat(seconds * 3.35e12).isCloseTo(12 * 8192.0 * 4096, withinPercentage(0.01));
  }

  /// Two tokens read two experts but where both take the same; 64 of them 1 - (127/128)^64.
  @Test
  void expertsThatAStepReads() {
    var experts = new ModelShare.Experts(128, 16, 1);
    assertThat(experts.read(1)).isCloseTo(1 / 128.0, withinPercentage(1e-9));
    assertThat(experts.read(2)).isCloseTo(1 / 64.0 - 1 / 16_384.0, withinPercentage(1e-9));
    assertThat(experts.read(64)).isCloseTo(0.3947, withinPercentage(0.1));
    assertThat(new ModelShare.Experts(0, 0, 0).read(64)).isZero();
  }

  /// Maverick at 1024 sequences reads every expert; Scout with bf16 keys at a long context reads
  /// more keys than weights. Small weights and many sequences are bound by arithmetic.
  @Test
  void whatBindsAStepIsSaid() {
    GpuPlan memory = Plans.plan("maverick", "8xH100", "fp8", "fp8", 1024);
    assertThat(memory.roofline().decode()).allMatch(Roofline.Decode::isMemoryBound);
    GpuPlan compute = Plans.plan("scout", "8xH200", "int4", "fp8", 16);
    assertThat(compute.roofline().decode().getLast().isMemoryBound()).isFalse();
    assertThat(compute.roofline().decode().getLast().tokensPerSecond())
        .isLessThan(compute.roofline().prefillTokensPerSecond());
  }

  /// Without instructions for 8-bit floats they are computed as bf16.
  @Test
  void cardsWithoutFp8() {
    GpuPlan plan = Plans.plan("scout", "2xA100", "fp8", "fp8", 1024);
    assertThat(plan.roofline().prefillTokensPerSecond())
        .isCloseTo(2 * 312e12 / 32.27e9, withinPercentage(0.5));
    assertThat(plan.notes()).anyMatch(note -> note.contains("[A100] does not multiply"));
  }
}

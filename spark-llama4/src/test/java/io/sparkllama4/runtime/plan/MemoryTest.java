package io.sparkllama4.runtime.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sparkllama4.backend.StepBuffers;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Bytes of weights, of keys and values, and what is left.
class MemoryTest {
  private static final long GIGA = 1_000_000_000;

  /// 300 inputs are two whole groups of 128 and a part of one.
  @Test
  void bytesOfAMatrix() {
    Matrices matrix = Matrices.of(10, 300);
    assertThat(matrix).isEqualTo(new Matrices(3000, 10, 30));
    assertThat(Storage.BF16.bytes(matrix)).isEqualTo(6000);
    assertThat(Storage.EIGHT_BITS.bytes(matrix)).isEqualTo(3000 + 40);
    assertThat(Storage.FOUR_BITS.bytes(matrix)).isEqualTo(1500 + 60);
    assertThat(Storage.HOST.bytes(matrix)).isZero();
    assertThat(Storage.HOST.hostBytes(matrix)).isEqualTo(6000);
    assertThat(Storage.BF16.hostBytes(matrix)).isZero();
    assertThat(Matrices.gated(20, 30)).isEqualTo(new Matrices(1800, 80, 80));
  }

  /// In gigabytes: 96.64 billion weights of experts, a sixteenth of them in shared ones, 3.02
  /// billion of attention, 1.03 of head and embedding each.
  @ParameterizedTest
  @CsvSource({
    "scout,bf16,193.3 12.1 6.0 0.0 2.1 2.1 215.5",
    "scout,fp8,96.6 6.0 3.0 0.0 2.1 2.1 109.8",
    "scout,int4,49.8 3.1 6.0 0.0 2.1 2.1 63.1",
    "scout,int4-all,49.8 3.1 1.6 0.0 1.0 0.0 55.5",
    "maverick,bf16,773.1 6.0 6.0 12.1 2.1 2.1 801.4",
    "maverick,fp8,386.5 3.0 3.0 6.0 2.1 2.1 402.8",
    "maverick,int4,199.3 1.6 6.0 3.1 2.1 2.1 214.2",
    "maverick,int4-all,199.3 1.6 1.6 3.1 1.0 0.0 206.6"
  })
  void gigabytesOfWeights(String model, String dtype, String row) {
    WeightBytes bytes = Plans.plan(model, "64xB200", dtype, "bf16", 1024).weights();
    List<Long> found =
        List.of(
            bytes.experts(),
            bytes.shared(),
            bytes.attention(),
            bytes.dense(),
            bytes.head(),
            bytes.embedding(),
            bytes.total());
    String[] figures = row.split(" ", -1);
    for (int i = 0; i < figures.length; i++) {
      double expected = GIGA * Double.parseDouble(figures[i]);
      // Half of the last figure; a scale of four bytes for each row of 8-bit weights; routers.
      double most = 0.05 * GIGA + 0.001 * expected;
      assertThat((double) found.get(i)).as("part %s", i).isCloseTo(expected, within(most));
    }
  }

  /// 850,960,896 weights of the encoder and 4,096 by 5,120 of the projector, whole on every GPU.
  @Test
  void imageEncoderOnlyWhereImagesAreAsked() {
    long vision = 2 * (850_960_896L + 4096 * 5120);
    PlannedModel scout = PlannedModel.of("scout");
    GpuPlan text = Plans.plan("scout", "4xH100", "fp8", "fp8", 1024);
    assertThat(text.weights().vision()).isZero();
    assertThat(text.notes())
        .anyMatch(note -> note.contains(String.format(Locale.ROOT, "%,d", vision)));
    GpuPlan images =
        GpuPlan.of(
            new PlanRequest(
                scout, Gpus.parse("4xH100"), WeightDtype.FP8, KvDtype.FP8, 1024, true, 0));
    assertThat(images.weights().vision()).isEqualTo(vision);
    assertThat(images.onGpu().weights().vision()).isEqualTo(vision);
    assertThat(images.weights().total() - text.weights().total()).isEqualTo(vision);
    assertThat(text.onGpu().freeBytes() - images.onGpu().freeBytes()).isEqualTo(vision);
  }

  @Test
  void keysAndValuesOfScout() {
    // 12 and 36 layers, keys and values, 8 heads of 128.
    KvBytes bf16 = KvBytes.of(Plans.spec("scout"), KvDtype.BF16, 1);
    assertThat(bf16).isEqualTo(new KvBytes(12 * 4096, 36 * 4096, 8192));
    KvBytes fp8 = KvBytes.of(Plans.spec("scout"), KvDtype.FP8, 1);
    assertThat(fp8).isEqualTo(new KvBytes(12 * 2048, 36 * 2048, 8192));
    assertThat(KvBytes.of(Plans.spec("scout"), KvDtype.BF16, 8))
        .isEqualTo(new KvBytes(12 * 512, 36 * 512, 8192));
    assertThat(KvBytes.of(Plans.spec("scout"), KvDtype.BF16, 16))
        .as("a key head is not cut")
        .isEqualTo(new KvBytes(12 * 512, 36 * 512, 8192));
    // 48 GiB at a million tokens in the 12 layers, and one chunk in the others.
    assertThat(bf16.perSequence(1 << 20)).isEqualTo((48L << 30) + (8192L * 36 * 4096));
    assertThat(bf16.perSequence(8192)).isEqualTo(8192L * 48 * 4096);
  }

  @Test
  void tokensThatFit() {
    KvBytes kv = new KvBytes(10, 90, 100);
    assertThat(kv.perSequence(100)).isEqualTo(10_000);
    assertThat(kv.perSequence(300)).isEqualTo(12_000);
    assertThat(kv.sequences(36_000, 300)).isEqualTo(3);
    assertThat(kv.tokens(36_000, 300)).isEqualTo(900);
    assertThat(kv.tokens(35_999, 300)).as("ten bytes a token behind the chunk").isEqualTo(899);
    assertThat(kv.tokens(24_000 + 5_050, 300)).as("a hundred in it").isEqualTo(650);
    assertThat(kv.tokens(9_999, 50)).as("shorter than a chunk").isEqualTo(99);
    assertThat(kv.tokens(-1, 300)).isZero();
    assertThat(kv.sequences(-5, 300)).isZero();
    assertThat(kv.longest(0, 300)).isZero();
    assertThat(kv.longest(11_000, 1000)).isEqualTo(200);
    assertThat(kv.longest(99, 1000)).isZero();
    assertThat(new KvBytes(0, 90, 100).longest(9_000, 1000)).isEqualTo(1000);
    assertThat(new KvBytes(10, 0, 0).longest(95, 1000)).isEqualTo(9);
  }

  /// The largest number of tokens is the one beyond which a byte too few is left.
  @ParameterizedTest
  @CsvSource({"1,int4,fp8,1024", "1,int4,bf16,8192", "1,int4-all,bf16,100000", "4,fp8,fp8,262144"})
  void whatIsCountedFitsAndOneTokenMoreDoesNot(int gpus, String dtype, String kv, int context) {
    GpuPlan plan = Plans.plan("scout", gpus + "xH100", dtype, kv, context);
    long whole = plan.tokens() / context;
    long rest = plan.tokens() % context;
    KvBytes bytes = plan.onGpu().kv();
    long free = plan.onGpu().freeBytes();
    assertThat(whole * bytes.perSequence(context) + bytes.perSequence(rest))
        .isLessThanOrEqualTo(free);
    assertThat(whole * bytes.perSequence(context) + bytes.perSequence(rest + 1))
        .isGreaterThan(free);
  }

  @Test
  void usableMemory() {
    // 94 % of 84.8e9.
    assertThat(Gpus.parse("8xH100").usableBytes()).isEqualTo(79_712_000_000L);
  }

  /// The engine's buffers for 2,048 tokens and 256 rows of logits, and a GiB of the device's own.
  @Test
  void workspaceIsEstimatedWhereNoneIsGiven() {
    PlanRequest request =
        PlanRequest.of(
            PlannedModel.of("scout"),
            Gpus.parse("1xH100"),
            WeightDtype.INT4,
            KvDtype.FP8,
            OptionalInt.empty(),
            false,
            OptionalLong.empty());
    long buffers = StepBuffers.bytes(Plans.spec("scout").bufferSizes(), 2048, 256);
    assertThat(request.workspaceBytes()).isEqualTo(buffers + 1_073_741_824);
    assertThat(request.workspaceBytes()).isBetween(2 * GIGA - 100_000_000, 2 * GIGA + 200_000_000);
    assertThat(request.context()).isEqualTo(8192);
    GpuPlan with = GpuPlan.of(request);
    GpuPlan without = Plans.plan("scout", "1xH100", "int4", "fp8", 8192);
    assertThat(without.onGpu().freeBytes() - with.onGpu().freeBytes())
        .isEqualTo(request.workspaceBytes());
    assertThat(with.tokens()).isLessThan(without.tokens());
  }
}

package io.sparkllama4.runtime.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.withinPercentage;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.error.Llama4Exception;
import io.sparkllama4.model.DecoderSpec;
import io.sparkllama4.model.LayerSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What may be asked, what is refused, and what is offered where a plan does not fit.
class RequestTest {

  private static ErrorReport refusal(ThrowingCallable call) {
    ErrorReport[] report = new ErrorReport[1];
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(Llama4Exception.class, e -> report[0] = e.report());
    return report[0];
  }

  @ParameterizedTest
  @CsvSource({"1xH100,H100,1", "8xH100,H100,8", "64xB200,B200,64", "02xL40S,L40S,2"})
  void gpusAreReadAsCountAndName(String text, GpuType type, int count) {
    assertThat(Gpus.parse(text)).isEqualTo(new Gpus(type, count));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"H100", "xH100", "-1xH100", "1.5xH100", "", "1 x H100", "99999999999xH100"})
  void whatIsNoCountAndName(String text) {
    ErrorReport report = refusal(() -> Gpus.parse(text));
    assertThat(report.code()).isEqualTo(ErrorCode.INVALID_OPTION);
    assertThat(report.found()).isEqualTo(text);
    assertThat(report.expected()).contains("COUNTxNAME", "H100");
    assertThat(report.key()).isEqualTo("--gpus");
  }

  @ParameterizedTest
  @ValueSource(strings = {"0xH100", "65xH100"})
  void countsOutOfBounds(String text) {
    ErrorReport report = refusal(() -> Gpus.parse(text));
    assertThat(report.expected()).isEqualTo("1 to 64");
    assertThat(report.key()).isEqualTo("--gpus");
  }

  @Test
  void namesThatAreNotKnown() {
    ErrorReport gpu = refusal(() -> Gpus.parse("1xTPU"));
    assertThat(gpu.expected()).isEqualTo("A100, L40S, H100, H200, B200");
    ErrorReport dtype = refusal(() -> WeightDtype.named("int3"));
    assertThat(dtype.expected()).isEqualTo("bf16, fp8, int4, int4-all");
    assertThat(dtype.key()).isEqualTo("--dtype");
    ErrorReport kv = refusal(() -> KvDtype.named("int8"));
    assertThat(kv.expected()).isEqualTo("bf16, fp8");
    assertThat(kv.key()).isEqualTo("--kv-dtype");
  }

  @ParameterizedTest
  @CsvSource({"scout,0", "scout,-1", "scout,10485761", "maverick,1048577"})
  void contextsThatTheModelDoesNotHave(String model, int context) {
    ErrorReport report = refusal(() -> Plans.request(model, "1xH100", "int4", "fp8", context));
    assertThat(report.code()).isEqualTo(ErrorCode.INVALID_OPTION);
    assertThat(report.key()).isEqualTo("--context");
    assertThat(report.found()).isEqualTo(String.valueOf(context));
    assertThat(report.expected())
        .contains("1 to 10" + (model.equals("scout") ? "485760" : "48576"));
  }

  @Test
  void directoriesWithoutConfiguration(@TempDir Path directory) throws IOException {
    ErrorReport unknown = refusal(() -> PlannedModel.of("scoot"));
    assertThat(unknown.code()).isEqualTo(ErrorCode.MISSING_FILE);
    assertThat(unknown.expected()).contains("scout, maverick, behemoth");
    assertThat(unknown.key()).isEqualTo("--model");
    ErrorReport empty = refusal(() -> PlannedModel.of(directory.toString()));
    assertThat(empty.code()).isEqualTo(ErrorCode.MISSING_FILE);
    assertThat(empty.file()).isEqualTo("config.json");
    Files.writeString(directory.resolve("config.json"), "{\"model_type\":\"llama4_text\"}");
    assertThat(refusal(() -> PlannedModel.of(directory.toString())).code())
        .isEqualTo(ErrorCode.INVALID_CONFIG);
  }

  /// 16 experts, 288 billion active and nearly 2 trillion weights are what was announced; active
  /// counts the embedding too, as the 17 billion of the others do.
  @Test
  void behemothIsWhatWasAnnouncedAndSaysWhatIsAssumed() {
    PlannedModel behemoth = PlannedModel.of("behemoth");
    ModelShare all = ModelShare.of(behemoth.outline().spec(), 1);
    assertThat(all.routed().count()).isEqualTo(16);
    assertThat(all.activeElements() + all.embedding().elements())
        .isCloseTo(288e9, withinPercentage(0.5));
    assertThat((double) all.elements()).isCloseTo(2e12, withinPercentage(1));
    assertThat(behemoth.assumptions()).hasSizeGreaterThanOrEqualTo(2);
    assertThat(Plans.plan("behemoth", "64xB200", "fp8", "fp8", 1024).notes())
        .containsAll(behemoth.assumptions());
  }

  @Test
  void publishedShapesAssumeNothing() {
    for (String name : List.of("scout", "maverick")) {
      PlannedModel model = PlannedModel.of(name);
      assertThat(model.assumptions()).isEmpty();
      assertThat(model.outline().warnings()).isEmpty();
      assertThat(model.outline().visionParameters()).isEqualTo(850_960_896L + 4096 * 5120);
      DecoderSpec spec = model.outline().spec();
      assertThat(spec.layers()).hasSize(48);
      assertThat(spec.layers().stream().filter(layer -> layer.attention().isChunked())).hasSize(36);
    }
    assertThat(Plans.spec("maverick").layers().get(1).feedForward())
        .isEqualTo(new LayerSpec.Mixture(128, 1, 8192, 8192));
    assertThat(Plans.spec("maverick").layers().getFirst().feedForward())
        .isEqualTo(new LayerSpec.Dense(16_384));
  }

  /// Every remedy, taken alone, makes the plan fit, and is the smallest of its kind.
  @Test
  void remediesHelp() {
    GpuPlan plan = Plans.plan("scout", "1xH100", "bf16", "bf16", 8192);
    assertThat(plan.fits()).isFalse();
    assertThat(plan.tokens()).isZero();
    assertThat(plan.remedies()).containsExactly("--gpus 4xH100", "--dtype int4");
    assertThat(Plans.plan("scout", "4xH100", "bf16", "bf16", 8192).fits()).isTrue();
    // An expert is not cut: the fullest of three GPUs has 6 of 16.
    assertThat(Plans.plan("scout", "3xH100", "bf16", "bf16", 8192).fits()).isFalse();
    assertThat(Plans.plan("scout", "1xH100", "int4", "bf16", 8192).fits()).isTrue();
    assertThat(Plans.plan("scout", "1xH100", "fp8", "bf16", 8192).fits()).isFalse();
    // 215.5 GB of weights and 1.6 of a sequence, in 79.7 GB.
    assertThat((double) plan.onGpu().missingBytes())
        .isCloseTo(215.5e9 + 8192 * 196_608.0 - 79.712e9, withinPercentage(0.1));
    assertThat(plan.notes().get(1)).contains("does not fit", "[8,192] tokens", "--gpus 4xH100");
  }

  @Test
  void longSequencesMayBeShorterOrNarrower() {
    GpuPlan plan = Plans.plan("scout", "1xH100", "int4", "bf16", 400_000);
    assertThat(plan.fits()).isFalse();
    assertThat(plan.tokens()).as("what fits nevertheless").isBetween(300_000L, 320_000L);
    assertThat(plan.remedies())
        .containsExactly(
            "--gpus 2xH100",
            "--gpus 1xH200",
            "--dtype int4-all",
            "--kv-dtype fp8",
            "--context " + plan.tokens());
    int shorter = Math.toIntExact(plan.tokens());
    assertThat(Plans.plan("scout", "1xH100", "int4", "bf16", shorter).fits()).isTrue();
    assertThat(Plans.plan("scout", "1xH100", "int4", "bf16", shorter + 1).fits()).isFalse();
  }

  @Test
  void whereNothingAloneHelps() {
    GpuPlan plan = Plans.plan("behemoth", "1xL40S", "bf16", "bf16", 8192);
    assertThat(plan.remedies()).isEmpty();
    assertThat(plan.notes()).anyMatch(note -> note.contains("No single option helps"));
  }

  @Test
  void ranksAreExplained() {
    assertThat(Plans.plan("maverick", "8xH100", "fp8", "fp8", 1024).notes())
        .anyMatch(
            note ->
                note.contains("[5] of [40] query heads")
                    && note.contains("[1] of [8] key heads")
                    && note.contains("[16] of [128] experts"))
        .noneMatch(note -> note.contains("is not cut"));
    assertThat(Plans.plan("maverick", "16xH100", "fp8", "fp8", 1024).notes())
        .anyMatch(note -> note.contains("is not cut: with [16] GPUs for [8] key heads"));
  }
}

package io.sparkllama4.benchmarks.work;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sparkllama4.backend.cuda.KernelArchive;
import io.sparkllama4.backend.cuda.KernelTarget;
import io.sparkllama4.runtime.plan.PlanRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What kernels move and compute against what `plan` says has to be moved and computed.
class StepWorkTest {
  private static final Set<String> NO_KERNELS = Set.of("copies to peers");

  private static double seconds(StepCase step) {
    return StepWork.of(step).stream().mapToDouble(e -> e.seconds(step.card())).sum();
  }

  private static double flops(StepCase step) {
    return StepWork.of(step).stream()
        .filter(StepWork.Entry::onTensorCores)
        .mapToDouble(StepWork.Entry::flops)
        .sum();
  }

  @ParameterizedTest
  @CsvSource({"scout,1xH100,int4", "scout,4xH100,bf16", "maverick,8xH100,fp8"})
  void decodeMovesWhatItMustAndLittleMore(String model, String gpus, String weights) {
    PlanRequest request = StepCase.request(model, gpus, weights, 1024);
    for (int sequences : new int[] {16, 64}) {
      StepCase step = StepCase.decode(request, sequences, 2);
      assertThat(step.roofline() / seconds(step)).as("%d sequences", sequences).isBetween(0.7, 1.0);
    }
  }

  @ParameterizedTest
  @CsvSource({"scout,1xH100,int4", "scout,4xH100,bf16"})
  void promptsComputeWhatTheyMustAndLittleMore(String model, String gpus, String weights) {
    PlanRequest request = StepCase.request(model, gpus, weights, 2048);
    StepCase loose = StepCase.prefill(request, 1);
    // plan counts the head for every token, kernels for the last alone.
    double head = 2.0 * loose.spec().vocabulary() * loose.spec().hidden() / loose.ranks();
    double must = loose.roofline() * loose.card().bf16Flops() - head * loose.rows();
    assertThat(flops(loose) / must).isBetween(1.0, 1.35);
    assertThat(flops(StepCase.prefill(request, 2)) / flops(loose)).isEqualTo(2);
  }

  @Test
  void namesAreThoseOfKernels() {
    Set<String> kernels = KernelArchive.open().kernels(KernelTarget.SM_90).keySet();
    for (int sequences : new int[] {1, 64}) {
      for (String model : new String[] {"scout", "maverick"}) {
        PlanRequest request = StepCase.request(model, "8xH100", "fp8", 512);
        for (StepCase step :
            new StepCase[] {StepCase.decode(request, sequences, 2), StepCase.prefill(request, 2)}) {
          assertThat(
                  StepWork.of(step).stream()
                      .map(entry -> entry.kernel().split(", ", 2)[0])
                      .filter(name -> !NO_KERNELS.contains(name))
                      .collect(Collectors.toSet()))
              .isSubsetOf(kernels);
        }
      }
    }
  }

  @Test
  void thePageHoldsTheTables() throws IOException {
    Path page = Path.of(System.getProperty("sparkllama4.root"), "docs", WorkPage.PAGE);
    assertThat(page)
        .as("run bin/performance and commit what it writes")
        .hasContent(WorkPage.into(Files.readString(page)));
  }

  @Test
  void aPageWithoutMarkersIsRefused() {
    assertThatThrownBy(() -> WorkPage.into("Before\n" + WorkPage.BEGIN))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(WorkPage.PAGE);
  }
}

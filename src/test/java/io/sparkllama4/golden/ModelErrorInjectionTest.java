package io.sparkllama4.golden;

import static org.assertj.core.api.Assertions.assertThat;

import io.sparkllama4.backend.cuda.CudaError;
import io.sparkllama4.backend.cuda.ffi.EntryPoint;
import io.sparkllama4.backend.cuda.ffi.EntryPoints;
import io.sparkllama4.engine.Completion;
import io.sparkllama4.engine.EngineOptions;
import io.sparkllama4.engine.RowError;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.Llama4Exception;
import io.sparkllama4.runtime.ModelHandle;
import io.sparkllama4.runtime.RuntimeOptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// A model is opened, answers, and is closed, while a call of the driver fails: no answer is wrong,
/// the failure names the call, whoever comes next is answered or told that the device is lost, and
/// nothing is left over.
@Timeout(900)
class ModelErrorInjectionTest {
  private static final int TOKENS = 6;

  @AfterEach
  void noEmulatedDriverForOtherTests() {
    EmulatedGpu.forget();
  }

  /// How often an entry point is called until the model is open, until it has answered, and until
  /// it is closed.
  private record Calls(long open, long answered, long closed) {
    /// The first, a middle and the last call of each part.
    Set<Long> positions() {
      Set<Long> positions = new TreeSet<>();
      for (long[] part : new long[][] {{1, open}, {open + 1, answered}, {answered + 1, closed}}) {
        if (part[0] <= part[1]) {
          positions.addAll(List.of(part[0], (part[0] + part[1]) / 2, part[1]));
        }
      }
      return positions;
    }
  }

  /// One model on emulated devices.
  private static final class Scenario {
    private final Oracle oracle;
    private final int devices;
    private final EmulatedGpu emulated;
    private Optional<ModelHandle> handle = Optional.empty();

    Scenario(int devices) {
      this.oracle = Oracle.named("maverick");
      this.devices = devices;
      emulated = EmulatedGpu.fresh(devices, 0);
    }

    void open() {
      open(new EngineOptions(4, 3, 256));
    }

    void open(EngineOptions batches) {
      RuntimeOptions defaults = RuntimeOptions.defaults();
      handle =
          Optional.of(
              ModelHandle.open(
                  oracle.directory(),
                  new RuntimeOptions(
                      "cuda",
                      "auto",
                      1,
                      "stored",
                      defaults.int4Group(),
                      Optional.empty(),
                      devices,
                      List.of(),
                      "auto",
                      true,
                      batches.withoutShortcuts())));
    }

    /// Two rows: prompts in chunks, then steps that run plainly, are recorded and are played.
    List<Completion> answer() {
      Rows rows = new Rows();
      rows.generate(oracle.prompts().get(0).ids(), Rows.greedy(TOKENS));
      rows.generate(oracle.prompts().get(1).ids(), Rows.greedy(TOKENS));
      return TestModel.answers(handle.orElseThrow().engine(), rows);
    }

    /// A prompt in one step that is larger than all before it.
    Completion answerLong() {
      Rows rows = new Rows();
      rows.generate(oracle.prompts().get(3).ids(), Rows.greedy(2));
      return TestModel.answers(handle.orElseThrow().engine(), rows).getFirst();
    }

    void close() {
      handle.ifPresent(ModelHandle::close);
    }

    Map<String, Long> counts() {
      Map<String, Long> counts = new LinkedHashMap<>();
      for (EntryPoint entry : EntryPoints.all()) {
        counts.put(entry.symbol(), emulated.calls(entry.symbol()));
      }
      return counts;
    }
  }

  /// The numbers of calls, by entry point, of a model that nothing disturbs, and its answers.
  private record Undisturbed(Map<String, Calls> calls, List<Object> answers) {
    private static final Map<Integer, Undisturbed> KNOWN = new HashMap<>();

    static Undisturbed on(int devices) {
      return KNOWN.computeIfAbsent(devices, Undisturbed::of);
    }

    private static Undisturbed of(int devices) {
      Scenario scenario = new Scenario(devices);
      scenario.open();
      Map<String, Long> open = scenario.counts();
      List<Object> answers = bits(scenario.answer());
      Map<String, Long> answered = scenario.counts();
      scenario.close();
      Map<String, Long> closed = scenario.counts();
      Map<String, Calls> calls = new LinkedHashMap<>();
      closed.forEach(
          (entry, count) -> {
            if (count > 0) {
              calls.put(
                  entry,
                  new Calls(open.getOrDefault(entry, 0L), answered.getOrDefault(entry, 0L), count));
            }
          });
      assertNothingIsLeft(scenario.emulated, "undisturbed");
      return new Undisturbed(calls, answers);
    }
  }

  static List<Object[]> some() {
    return List.of(
        new Object[] {"cuMemAlloc_v2", CudaError.OUT_OF_MEMORY},
        new Object[] {"cuLaunchKernel", CudaError.LAUNCH_FAILED},
        new Object[] {"cuStreamSynchronize", CudaError.LAUNCH_FAILED},
        new Object[] {"cuGraphInstantiateWithFlags", CudaError.OUT_OF_MEMORY});
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("some")
  void failureOfSomeCalls(String entry, CudaError error) {
    disturb(1, entry, error);
  }

  static List<Object[]> all() {
    List<Object[]> all = new ArrayList<>();
    for (int devices = 1; devices <= 2; devices++) {
      for (String entry : Undisturbed.on(devices).calls().keySet()) {
        all.add(new Object[] {entry, CudaError.LAUNCH_FAILED, devices});
        if (devices == 1) {
          all.add(new Object[] {entry, harmless(entry), devices});
        }
      }
    }
    return all;
  }

  /// An error that leaves the device as it is, and that such a call may have.
  private static CudaError harmless(String entry) {
    boolean takesMemory =
        Stream.of("Alloc", "Create", "Load", "Instantiate", "Retain").anyMatch(entry::contains);
    // As a result of that one, the other means that the kernel has no more parameters.
    return takesMemory || entry.equals("cuFuncGetParamInfo")
        ? CudaError.OUT_OF_MEMORY
        : CudaError.INVALID_VALUE;
  }

  @Tag("full")
  @ParameterizedTest(name = "{0} {1} devices={2}")
  @MethodSource("all")
  void failureOfAnyCall(String entry, CudaError error, int devices) {
    disturb(devices, entry, error);
  }

  @Test
  void recordedStepsAreRightBehindOneThatFoundNoMemory() {
    findNoMemory(8);
  }

  @Tag("full")
  @Test
  void recordedStepsAreRightWhereverALaterOneFoundNoMemory() {
    findNoMemory(1);
  }

  /// Steps that were recorded use scratch memory, which a larger step gives up for more: where
  /// there is no more, what was recorded must not be played.
  ///
  /// @param stride from one allocation that fails, in a model of its own, to the next
  private static void findNoMemory(int stride) {
    EngineOptions batches = new EngineOptions(4, 64, 256);
    int failing = 1 - stride;
    boolean isDisturbed = true;
    while (isDisturbed) {
      failing += stride;
      Scenario scenario = new Scenario(1);
      scenario.open(batches);
      List<Object> expected = bits(scenario.answer());
      scenario.emulated.fail("cuMemAlloc_v2", failing, CudaError.OUT_OF_MEMORY.code());
      Completion disturbed = scenario.answerLong();
      isDisturbed = disturbed.error().isPresent();
      disturbed
          .error()
          .ifPresent(error -> assertThat(error.code()).isEqualTo(ErrorCode.NOT_ENOUGH_MEMORY));
      scenario.emulated.fail("cuMemAlloc_v2", 0, 0);
      assertThat(bits(scenario.answer())).as("behind allocation " + failing).isEqualTo(expected);
      assertThat(bits(List.of(scenario.answerLong()))).isNotEmpty();
      scenario.close();
      assertNothingIsLeft(scenario.emulated, "allocation " + failing);
    }
    assertThat(failing).as("allocations of a larger step").isGreaterThan(10);
  }

  private static void disturb(int devices, String entry, CudaError error) {
    Undisturbed expected = Undisturbed.on(devices);
    Calls calls = Objects.requireNonNull(expected.calls().get(entry));
    for (long nth : calls.positions()) {
      String what = entry + " " + nth + " of " + calls + ", " + error;
      Scenario scenario = new Scenario(devices);
      scenario.emulated.fail(entry, nth, error.code());
      new Disturbed(scenario, expected.answers(), entry, nth, error, what).run();
      assertNothingIsLeft(scenario.emulated, what);
    }
  }

  private static void assertNothingIsLeft(EmulatedGpu emulated, String what) {
    assertThat(emulated.allocations()).as("left on the devices: " + what).isZero();
    for (Thread thread : Thread.getAllStackTraces().keySet()) {
      if (thread.getName().startsWith("llama4-")) {
        // One that has done its last task still needs a moment.
        try {
          assertThat(thread.join(Duration.ofSeconds(30))).as(thread + " ends: " + what).isTrue();
        } catch (InterruptedException e) {
          throw new IllegalStateException(e);
        }
      }
    }
  }

  /// A scenario in which a call fails.
  private record Disturbed(
      Scenario scenario,
      List<Object> expected,
      String entry,
      long nth,
      CudaError error,
      String what) {
    void run() {
      try {
        scenario.open();
      } catch (Llama4Exception e) {
        assertTold(e.code(), e.report().describe());
        return;
      }
      answer();
      Optional<RowError> ended = scenario.handle.orElseThrow().engine().failure();
      if (ended.isPresent()) {
        assertThat(error.isSticky()).as("lost without need: " + what).isTrue();
        assertTold(ended.get().code(), ended.get().message());
        for (Completion answer : scenario.answer()) {
          assertThat(answer.error()).as(what).isEqualTo(ended);
        }
      } else {
        boolean hasFailed = scenario.emulated.calls(entry) >= nth;
        List<Completion> answers = answer();
        if (hasFailed) {
          assertThat(bits(answers)).as("next after " + what).isEqualTo(expected);
        }
      }
      try {
        scenario.close();
      } catch (Llama4Exception e) {
        assertTold(e.code(), e.report().describe());
      }
    }

    private List<Completion> answer() {
      List<Completion> answers = scenario.answer();
      List<Completion> failed =
          answers.stream().filter(answer -> answer.error().isPresent()).toList();
      if (failed.isEmpty()) {
        assertThat(bits(answers)).as(what).isEqualTo(expected);
      }
      for (Completion answer : failed) {
        RowError told = answer.error().orElseThrow();
        assertTold(told.code(), told.message());
      }
      return answers;
    }

    private void assertTold(ErrorCode code, String message) {
      assertThat(message).as(what).contains(entry).contains(error.symbol());
      assertThat(code)
          .as(what)
          .isIn(
              ErrorCode.BACKEND_UNAVAILABLE,
              error == CudaError.OUT_OF_MEMORY
                  ? ErrorCode.NOT_ENOUGH_MEMORY
                  : ErrorCode.DEVICE_ERROR);
    }
  }

  private static List<Object> bits(List<Completion> answers) {
    List<Object> bits = new ArrayList<>();
    for (Completion answer : answers) {
      assertThat(answer.error()).isEmpty();
      for (int i = 0; i < answer.ids().length; i++) {
        bits.add(answer.ids()[i]);
        bits.add(Float.floatToRawIntBits(answer.logprobs().get(i).logprob()));
      }
    }
    return bits;
  }
}

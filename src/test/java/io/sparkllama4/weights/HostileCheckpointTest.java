package io.sparkllama4.weights;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.sun.management.ThreadMXBean;
import io.sparkllama4.cli.CommandRun;
import io.sparkllama4.tensor.NativeArena;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Whatever is wrong with a directory is refused by code, file and tensor, quickly, in little
/// memory, and with nothing left open.
class HostileCheckpointTest {
  private static final Duration LONGEST = Duration.ofSeconds(5);

  /// Far below what an absurd size in a file would ask for, far above what the commands need.
  private static final long MOST_HEAP_BYTES = 256L << 20;

  @TempDir Path folder;

  static List<Hostile> cases() {
    return Stream.of(
            HostileConfigs.all(),
            HostileFields.all(),
            HostileIndexes.all(),
            HostileHeaders.all(),
            HostileTensors.all(),
            HostileTokenizers.all())
        .flatMap(List::stream)
        .toList();
  }

  @BeforeAll
  static void warmUp() {
    // Loads classes and the tokenizer library, which are no case's memory or time.
    CommandRun.of("info", "--json", "--model", "absent");
  }

  @Test
  void thereAreManyCasesWithNamesOfTheirOwn() {
    assertThat(cases())
        .hasSizeGreaterThan(150)
        .extracting(Hostile::toString)
        .doesNotHaveDuplicates();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void isRefused(Hostile hostile) throws IOException {
    ModelCopy model = ModelCopy.of(hostile.oracle(), folder.resolve("model"));
    hostile.breakage().apply(model);
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    long start = System.nanoTime();
    CommandRun run = CommandRun.of("info", "--json", "--model", model.directory().toString());
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(LONGEST);
    assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(MOST_HEAP_BYTES);
    assertThat(NativeArena.openBytes()).as("native bytes").isZero();
    assertThat(run.status()).isEqualTo(1);
    check(hostile, run.error());
  }

  private static void check(Hostile hostile, JsonNode error) {
    String all = error.toString();
    assertThat(error.get("code").textValue()).as(all).isEqualTo(hostile.code().name());
    assertThat(text(error, "file")).as(all).isEqualTo(hostile.file());
    assertThat(text(error, "tensor")).as(all).isEqualTo(hostile.tensor());
    checkPart(all, text(error, "found"), hostile.found());
    checkPart(all, text(error, "expected"), hostile.expected());
  }

  private static void checkPart(String all, String reported, String wanted) {
    if (wanted.isEmpty()) {
      assertThat(reported).as(all).isEmpty();
    } else if (wanted.equals(Hostile.ANYTHING)) {
      assertThat(reported).as(all).isNotEmpty();
    } else {
      assertThat(reported).as(all).contains(wanted);
    }
  }

  private static String text(JsonNode error, String name) {
    return error.get(name).isNull() ? "" : error.get(name).textValue();
  }

  @Test
  void theModelCommandsRefuseAlike() throws IOException {
    ModelCopy model = ModelCopy.of("dense", folder.resolve("model"));
    model.resize(ModelCopy.WEIGHTS, 200_000);
    String directory = model.directory().toString();
    JsonNode info = CommandRun.of("info", "--json", "--model", directory).error();
    assertThat(info.get("code").textValue()).isEqualTo("TENSOR_OUT_OF_BOUNDS");
    for (String command : List.of("generate", "score")) {
      CommandRun run = CommandRun.of(command, "--json", "--ids", "1", "--model", directory);
      assertThat(run.status()).isEqualTo(1);
      assertThat(run.error()).isEqualTo(info);
      assertThat(NativeArena.openBytes()).as("native bytes").isZero();
    }
  }

  @Test
  void aDirectoryThatIsNotThereIsMissing() {
    String absent = folder.resolve("absent").toString();
    CommandRun run = CommandRun.of("info", "--json", "--model", absent);
    assertThat(run.status()).isEqualTo(1);
    assertThat(run.error().get("code").textValue()).isEqualTo("MISSING_FILE");
    assertThat(run.error().get("file").textValue()).isEqualTo(absent);
  }

  @Test
  void aStackTraceComesWithDebugAlone() throws IOException {
    ModelCopy model = ModelCopy.of("dense", folder.resolve("model"));
    model.delete("config.json");
    CommandRun run =
        CommandRun.of("info", "--json", "--debug", "--model", model.directory().toString());
    assertThat(run.status()).isEqualTo(1);
    assertThat(run.progress()).contains("\tat ");
    assertThat(run.document().get("error").get("code").textValue()).isEqualTo("MISSING_FILE");
  }
}

package io.sparkllama4.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The emulated driver against what it promises, without Java: its own checks, planted errors among
/// them, plainly and with AddressSanitizer.
@Tag("full")
@Timeout(value = 15, unit = TimeUnit.MINUTES)
class EmulatorSelfTest {
  private static final String BUILD = "src/test/cuda-emulator/build.sh";

  @ParameterizedTest
  @CsvSource({"cuda-emulator, --self-test", "cuda-emulator-asan, --asan"})
  void itsOwnChecksPass(String folder, String mode) throws IOException, InterruptedException {
    Path target = Path.of("target", folder);
    assertThat(run(List.of(BUILD, target.toString(), mode), target + "-build.log")).isZero();
    String log = target + "-self-test.log";
    assertThat(run(List.of(target.resolve("self-test").toString()), log))
        .as("see %s", log)
        .isZero();
    assertThat(Files.readString(Path.of(log))).contains("planted", " 0 failed");
  }

  private static int run(List<String> command, String log)
      throws IOException, InterruptedException {
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(new File(log))
        .start()
        .waitFor();
  }
}

package io.sparkllama4.cubins;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class BuildRecordTest {
  private static BuildRecord record(String kernel, String header, String archive) {
    return BuildRecord.of(
        new KernelSources(
            new TreeMap<>(Map.of("k.cu", kernel)), new TreeMap<>(Map.of("h.cuh", header))),
        archive.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void recordIsReadAsItIsWritten() {
    BuildRecord record = record("k", "h", "a");
    assertThat(BuildRecord.read(record.text())).isEqualTo(record);
    assertThat(record.lines())
        .contains(
            entry("compiler", "NVRTC 12.9"), entry("targets", "sm_80 sm_90 sm_100 compute_80"))
        .containsKeys("options", "source k.cu", "source h.cuh", "archive");
  }

  @Test
  void everyChangeShows() {
    BuildRecord record = record("k", "h", "a");
    assertThat(record("k2", "h", "a")).isNotEqualTo(record);
    assertThat(record("k", "h2", "a")).isNotEqualTo(record);
    assertThat(record("k", "h", "a2")).isNotEqualTo(record);
  }

  /// The archive is that of the sources, as far as can be told without compiling them.
  @Test
  void committedArchiveIsOfTheseSources() throws IOException {
    BuildRecord written = BuildRecord.read(Files.readString(Project.ROOT.resolve(Main.RECORD)));
    BuildRecord now = BuildRecord.of(KernelSources.of(Project.ROOT), Project.archiveBytes());
    assertThat(written.lines()).as(Project.RENEW).isEqualTo(now.lines());
  }
}

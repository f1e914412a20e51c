package io.sparkllama4.benchmarks.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PerformancePageTest {
  private static final int MOST_BYTES = 100_000;

  @TempDir Path docs = Path.of("");

  private static String ours(double prefill, double one, double eight) {
    return """
        {"peer":"spark-llama4","commit":"abc1234","date":"2026-11-22","model":"model-s",\
        "threads":2,"cpu":{"name":"Some CPU"},"backend":{"kernels":"vector","weights":"bf16",\
        "strict":true},"ceilings":{"fp32_gflops":100.0,"bf16_gflops":null,"int8_gops":null,\
        "read_gb_per_s":20.0},"peak_rss_mib":3000,"cases":[\
        {"case":"prefill","n":512,"median":%s,"spread":0.1,"gb_per_s":1.5,\
        "share_of_ceiling":0.5,"ceiling":"fp32"},\
        {"case":"decode","n":1,"median":%s,"spread":0.02,"gb_per_s":null,\
        "share_of_ceiling":null,"ceiling":null},\
        {"case":"decode","n":8,"median":%s}]}
        """
        .formatted(prefill, one, eight);
  }

  private static String other(double prefill, double one) {
    return """
        {"peer":"llama.cpp","cases":[{"case":"prefill","n":512,"median":%s},\
        {"case":"decode","n":1,"median":%s}]}
        """
        .formatted(prefill, one);
  }

  private Map<Path, String> files(String recording) throws IOException {
    Files.createDirectories(docs.resolve("performance"));
    Files.writeString(docs.resolve("performance/one.jsonl"), recording);
    Files.writeString(
        docs.resolve("performance.md"),
        "Before\n" + PerformancePage.BEGIN + "\nold\n" + PerformancePage.END + "\nBehind\n");
    return new PerformancePage(docs).files();
  }

  @Test
  void tablesHaveMediansAndTheRatiosOfPairs() throws IOException {
    String recording =
        other(100, 10)
            + ours(200, 20, 40)
            + other(200, 10)
            + ours(200, 10, 40)
            + other(100, 10)
            + ours(300, 30, 60);
    String page = String.valueOf(files(recording).get(docs.resolve("performance.md")));

    assertThat(page).startsWith("Before\n").endsWith("\nBehind\n").doesNotContain("old");
    assertThat(page.lines())
        .contains(
            "### model-s, bf16",
            "Some CPU, 2 threads, kernels vector, strict; 2026-11-22, commit abc1234."
                + " Ceilings: fp32 100 GFLOP/s, reads 20.0 GB/s.",
            "| case | n | tokens/s | spread | GB/s | share of ceiling | llama.cpp | ratio | |",
            "| prefill | 512 | 200 | 50 % | 1.5 | 50 % of fp32 | 100 | 2.00 | 1.00 to 3.00 |",
            "| decode | 1 | 20 | 100 % |  |  | 10 | 2.00 | 1.00 to 3.00 |",
            "| decode | 8 | 40 | 50 % |  |  |  | | |",
            "Peak memory 3000 MiB.");
  }

  @Test
  void aRecordingOfOursAloneHasNoRatio() throws IOException {
    String page = String.valueOf(files(ours(1, 2, 3)).get(docs.resolve("performance.md")));

    assertThat(page).doesNotContain("ratio", "llama.cpp");
    assertThat(page.lines()).contains("| prefill | 512 | 1 | 10 % | 1.5 | 50 % of fp32 |");
  }

  @Test
  void thePlotIsSmallAndTheSameEveryTime() throws IOException {
    Path plot = docs.resolve("performance/model-s-some-cpu.svg");
    String first = String.valueOf(files(other(1, 10) + ours(1, 2, 3)).get(plot));

    assertThat(first).startsWith("<svg").contains("spark-llama4 bf16").hasSizeLessThan(MOST_BYTES);
    assertThat(files(other(1, 10) + ours(1, 2, 3)).get(plot)).isEqualTo(first);
    assertThat(files(ours(1, 2, 4)).get(plot)).isNotEqualTo(first);
  }

  @Test
  void documentsOfOthersAloneAreRefused() {
    assertThatThrownBy(() -> files(other(1, 2)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("one.jsonl");
  }

  @Test
  void theProjectsPageIsThatOfItsDocuments() throws IOException {
    Path project = Path.of(System.getProperty("sparkllama4.root")).resolve("docs");
    Map<Path, String> files = new PerformancePage(project).files();
    Path page = project.resolve("performance.md");

    assertThat(page).as("run bin/performance").hasContent(String.valueOf(files.get(page)));
    // Their letters are as wide as the machine's fonts.
    assertThat(files.keySet()).as("run bin/performance").allMatch(Files::isRegularFile);
  }
}

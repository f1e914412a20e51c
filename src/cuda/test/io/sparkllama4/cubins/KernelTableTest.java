package io.sparkllama4.cubins;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sparkllama4.backend.cuda.KernelArchive;
import io.sparkllama4.backend.cuda.KernelFigures;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class KernelTableTest {
  private static byte[] table(int registers) {
    return (KernelFigures.COLUMNS + "\nf,m,128," + registers + ",512,0,0\n")
        .getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void tableHasAllTargets() throws IOException {
    KernelArchive archive =
        KernelArchive.read(
            KernelCompiler.archive(
                new TreeMap<>(
                    Map.of(
                        "sm_80/kernels.csv", table(64),
                        "sm_90/kernels.csv", table(64),
                        "sm_100/kernels.csv", table(65)))));
    Limits limits = Limits.read("f 128 512 65536 -");

    assertThat(
            KernelTable.into(
                "Before\n" + KernelTable.BEGIN + "old" + KernelTable.END + "Behind\n",
                archive,
                limits))
        .startsWith("Before\n")
        .endsWith("Behind\n")
        .doesNotContain("old")
        .contains("| `f` | `m.cu` | 128 | 64, 64, 65 | 512 + 65,536 | 13 %, 19 %, 19 % |\n");
    assertThatThrownBy(() -> KernelTable.into("Before\n" + KernelTable.BEGIN, archive, limits))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(KernelTable.PAGE);
  }

  @Test
  void theProjectsPageIsThatOfItsKernels() throws IOException {
    Path page = Project.ROOT.resolve(KernelTable.PAGE);
    String text = Files.readString(page);
    assertThat(page)
        .as(Project.RENEW)
        .hasContent(KernelTable.into(text, Project.archive(), Limits.of(Project.ROOT)));
  }
}

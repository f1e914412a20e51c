package io.sparkllama4.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class KernelArchiveTest {
  private static final int MOST_BYTES = 4 << 20;

  private static byte[] zip(Map<String, String> entries) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      for (Map.Entry<String, String> entry : entries.entrySet()) {
        zip.putNextEntry(new ZipEntry(entry.getKey()));
        zip.write(entry.getValue().getBytes(StandardCharsets.UTF_8));
      }
    }
    return bytes.toByteArray();
  }

  @ParameterizedTest
  @CsvSource({
    "8, 0, SM_80",
    "8, 6, SM_80",
    "8, 9, SM_80",
    "9, 0, SM_90",
    "10, 0, SM_100",
    "10, 3, SM_100",
    "8, 7, COMPUTE_80",
    "10, 1, COMPUTE_80",
    "11, 0, COMPUTE_80",
    "12, 0, COMPUTE_80",
    "13, 5, COMPUTE_80"
  })
  void deviceRunsWhatIsMadeForItsMajorNumber(int major, int minor, KernelTarget target) {
    assertThat(KernelTarget.of(major, minor)).contains(target);
    assertThat(KernelTarget.refusal(major, minor)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"7, 5", "7, 0", "6, 1"})
  void olderDeviceIsRefusedWithAReason(int major, int minor) {
    assertThat(KernelTarget.of(major, minor)).isEmpty();
    assertThat(KernelTarget.refusal(major, minor))
        .hasValueSatisfying(
            reason -> assertThat(reason).contains(major + "." + minor, "8.0 or newer"));
  }

  @Test
  void imagesAreThoseOfTheTarget() throws IOException {
    KernelArchive archive =
        KernelArchive.read(
            zip(
                Map.of(
                    "sm_80/b.cubin", "b80",
                    "sm_80/a-x.cubin", "a80",
                    "sm_80/kernels.csv", KernelFigures.COLUMNS + "\nf,b,128,40,512,0,0\n",
                    "sm_90/b.cubin", "b90",
                    "compute_80/b.ptx", "ptx\0")));

    assertThat(archive.images(KernelTarget.SM_80)).containsOnlyKeys("a-x", "b");
    assertThat(archive.images(KernelTarget.SM_80).get("b")).asString().isEqualTo("b80");
    assertThat(archive.images(KernelTarget.COMPUTE_80).get("b")).asString().isEqualTo("ptx\0");
    assertThat(archive.kernels(KernelTarget.SM_80))
        .containsExactly(Map.entry("f", new KernelFigures("f", "b", 128, 40, 512, 0, 0)))
        .isEqualTo(archive.kernels(KernelTarget.COMPUTE_80));
    assertThatThrownBy(() -> archive.images(KernelTarget.SM_100))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("sm_100");
    assertThatThrownBy(() -> archive.kernels(KernelTarget.SM_90))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("sm_90/kernels.csv");
  }

  @Test
  void whatIsNoArchiveIsRefused() {
    assertThatThrownBy(() -> KernelArchive.read(new byte[10]))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("10 bytes");
    assertThatThrownBy(() -> KernelFigures.of("f,b,128"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("bin/cuda-kernels");
  }

  @ParameterizedTest
  @EnumSource
  void jarHasImagesForEveryTarget(KernelTarget target) {
    KernelArchive archive = KernelArchive.open();
    Map<String, byte[]> images = archive.images(target);

    assertThat(images.keySet())
        .isEqualTo(archive.images(KernelTarget.SM_80).keySet())
        .containsAll(archive.kernels(target).values().stream().map(KernelFigures::module).toList());
    assertThat(images.values())
        .allSatisfy(
            image -> {
              if (target.isMachineCode()) {
                assertThat(image).startsWith(0x7f, 'E', 'L', 'F');
              } else {
                assertThat(image).endsWith(0).asString().contains(".target sm_80");
              }
            });
  }

  @Test
  void archiveIsSmall() throws IOException {
    try (var zip = KernelArchive.class.getResourceAsStream(KernelArchive.RESOURCE)) {
      assertThat(zip).isNotNull();
      assertThat(zip.readAllBytes()).hasSizeLessThanOrEqualTo(MOST_BYTES);
    }
  }
}

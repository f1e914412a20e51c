package io.sparkllama4.backend.cuda.ffi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.Llama4Exception;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/// A library that is missing, or lacks something, is a reason that a user can act on.
class NativeLibraryTest {
  private static final String KEY = "spark.llama4.test.library";

  private static NativeLibrary find(String... names) {
    return NativeLibrary.find(new NativeLibrary.Sources(KEY, "NO_SUCH_VARIABLE", List.of(names)));
  }

  @Test
  void missingLibraryNamesAllThatWasTriedAndWhatHelps() {
    NativeLibrary library = find("libnone-such.so.7", "/none/such/lib.so");
    assertThat(library.isPresent()).isFalse();
    assertThat(library.reason())
        .contains("[libnone-such.so.7]: libnone-such.so.7: cannot open shared object file")
        .contains("[/none/such/lib.so]")
        .contains(KEY)
        .contains("NO_SUCH_VARIABLE");
    assertThat(library.find("cuInit")).isEmpty();
  }

  @Test
  void laterNameIsTakenWhereTheFirstIsMissing() {
    NativeLibrary library = find("libnone-such.so.7", "libm.so.6");
    assertThat(library.isPresent()).isTrue();
    assertThat(library.origin()).isEqualTo("libm.so.6");
    assertThat(library.reason()).isEmpty();
    assertThat(library.find("cos")).isPresent();
    assertThat(library.find("none_such")).isEmpty();
  }

  @Test
  void namedLibraryIsTheOnlyOneThatIsTried() {
    System.setProperty(KEY, "/none/such/named.so");
    try {
      NativeLibrary library = find("libm.so.6");
      assertThat(library.isPresent()).isFalse();
      assertThat(library.reason())
          .contains("/none/such/named.so")
          .endsWith("as " + KEY + " asks")
          .doesNotContain("libm");
    } finally {
      System.clearProperty(KEY);
    }
  }

  @Test
  void missingFunctionFailsWhenItIsUsed() {
    CudaDriver driver = new CudaDriver(NativeLibrary.open("libm.so.6"));
    assertThat(driver.hasParamInfo()).isFalse();
    assertThat(driver.errorName(1)).isEmpty();
    assertThatThrownBy(() -> driver.init(0))
        .isInstanceOfSatisfying(
            Llama4Exception.class,
            e -> {
              assertThat(e.code()).isEqualTo(ErrorCode.BACKEND_UNAVAILABLE);
              assertThat(e).hasMessageContaining("[libm.so.6] has no function cuInit");
            });
  }

  @Test
  void everyEntryPointIsInTheDriverAndNoneTwice() {
    Path file = Path.of("target", "cuda-emulator", "libcuda-emulated.so").toAbsolutePath();
    CudaDriver driver = new CudaDriver(NativeLibrary.open(file.toString()));
    assertThat(EntryPoints.all()).hasSizeGreaterThan(40).allMatch(driver::has);
    assertThat(EntryPoints.all()).extracting(EntryPoint::symbol).doesNotHaveDuplicates();
  }

  @Test
  void callInAnotherShapeFailsAtOnce() {
    EntryPoint entry = EntryPoints.CTX_SYNCHRONIZE;
    try (Arena arena = Arena.ofConfined()) {
      assertThatThrownBy(() -> entry.call(arena.allocate(8), 1))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("cuCtxSynchronize could not be called as ()i4");
    }
  }
}

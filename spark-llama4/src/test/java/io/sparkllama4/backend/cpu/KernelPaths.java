package io.sparkllama4.backend.cpu;

import io.sparkllama4.backend.cpu.ffi.KernelLibrary;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/// The ways to compute that a test can take here: the Vector API, the native kernels for this
/// processor, and those for others, whose instructions plain loops stand in for.
enum KernelPaths {
  VECTOR,
  NATIVE,
  NARROW,
  AVX2_VNNI,
  AVX512,
  AVX512_VNNI;

  /// Where the build puts the emulated kernels.
  private static final Path EMULATED = Path.of("target", "emulated-kernels");

  /// Those that this build has.
  static Stream<KernelPaths> all() {
    return Arrays.stream(values()).filter(path -> path == VECTOR || path.library().isPresent());
  }

  private Optional<KernelLibrary> library() {
    if (this == NATIVE) {
      return KernelLibrary.found().library();
    }
    String name = name().toLowerCase(Locale.ROOT).replace('_', '-');
    Path file = EMULATED.resolve(name).resolve("libsparkllama4.so").toAbsolutePath();
    return Files.exists(file) ? Optional.of(KernelLibrary.open(name, file)) : Optional.empty();
  }

  FastKernels kernels(CpuPool pool) {
    PanelAttention tokens = new TokenAttention(pool);
    if (this == VECTOR) {
      return new FastKernels(pool, new VectorPanels(pool.threads()), tokens);
    }
    NativePanels math = new NativePanels(library().orElseThrow());
    return new FastKernels(pool, math, new BlockedAttention(pool, math, tokens));
  }
}

package io.sparkllama4.backend.cpu.ffi;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;

/// The builds of the kernels, by what they need of a processor, the best first.
enum InstructionSet {
  X86_64_V4_VNNI(
      "amd64",
      "x86-64-v4-vnni",
      Set.of("avx512f", "avx512bw", "avx512vl", "avx512dq", "avx512_vnni", "fma", "f16c")),
  X86_64_V4(
      "amd64", "x86-64-v4", Set.of("avx512f", "avx512bw", "avx512vl", "avx512dq", "fma", "f16c")),
  X86_64_V3_VNNI("amd64", "x86-64-v3-vnni", Set.of("avx2", "avx_vnni", "fma", "f16c", "bmi2")),
  X86_64_V3("amd64", "x86-64-v3", Set.of("avx2", "fma", "f16c", "bmi2")),
  ARM_DOT("aarch64", "armv8.2-dotprod", Set.of("asimd", "asimddp")),
  ARM("aarch64", "armv8", Set.of("asimd"));

  private static final Path CPUINFO = Path.of("/proc/cpuinfo");

  /// The name under which a user, or a test, limits what is taken.
  static final String LIMIT = "sparkllama4.instructions";

  private final String architecture;
  private final String label;

  @SuppressWarnings("ImmutableEnumChecker") // Made by Set.of.
  private final Set<String> flags;

  InstructionSet(String architecture, String label, Set<String> flags) {
    this.architecture = architecture;
    this.label = label;
    this.flags = flags;
  }

  /// Its name, and that of the directory of its build.
  String label() {
    return label;
  }

  /// What this processor can run, the best first, and no better than the system property
  /// `sparkllama4.instructions` says where it is set.
  static List<InstructionSet> usable() throws IOException {
    String limit = System.getProperty(LIMIT, "");
    String architecture = System.getProperty("os.arch", "");
    Set<String> found = processorFlags();
    List<InstructionSet> usable = new ArrayList<>();
    boolean allowed = limit.isEmpty();
    for (InstructionSet set : values()) {
      allowed |= set.label.equals(limit);
      if (allowed && set.architecture.equals(architecture) && found.containsAll(set.flags)) {
        usable.add(set);
      }
    }
    return usable;
  }

  private static Set<String> processorFlags() throws IOException {
    for (String line : Files.readAllLines(CPUINFO, StandardCharsets.UTF_8)) {
      int colon = line.indexOf(':');
      if (colon > 0) {
        String key = line.substring(0, colon).strip().toLowerCase(Locale.ROOT);
        if (key.equals("flags") || key.equals("features")) {
          return new TreeSet<>(List.of(line.substring(colon + 1).strip().split("\\s+")));
        }
      }
    }
    return Set.of();
  }
}

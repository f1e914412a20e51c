package io.sparkllama4.cli.bench;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// What a figure must name: the processor, its vector extensions, the version.
public final class Machine {
  private static final List<String> EXTENSIONS =
      List.of("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "avx_vnni", "amx_int8", "amx_bf16");

  private Machine() {}

  /// The processor's name, where the system tells.
  public static Optional<String> describe() {
    return lines("/proc/cpuinfo").stream()
        .filter(line -> line.startsWith("model name"))
        .map(line -> line.substring(line.indexOf(':') + 1).trim())
        .findFirst();
  }

  /// Writes the processor's name and extensions.
  public static void put(ObjectNode node) {
    node.put("name", describe().orElse(System.getProperty("os.arch")));
    Set<String> flags =
        lines("/proc/cpuinfo").stream()
            .filter(line -> line.startsWith("flags"))
            .findFirst()
            .map(line -> Set.copyOf(Arrays.asList(line.split("\\s+"))))
            .orElse(Set.of());
    ObjectNode extensions = node.putObject("flags");
    EXTENSIONS.forEach(name -> extensions.put(name, flags.contains(name)));
  }

  /// The version of this build.
  public static String version() {
    return Optional.ofNullable(Machine.class.getPackage().getImplementationVersion())
        .orElse("0.1.0-SNAPSHOT");
  }

  /// The most memory that this process has had resident, in MiB; 0 where the system does not tell.
  public static long peakResidentMebibytes() {
    return lines("/proc/self/status").stream()
        .filter(line -> line.startsWith("VmHWM:"))
        .map(line -> line.replaceAll("\\D", ""))
        .mapToLong(kibibytes -> Long.parseLong(kibibytes) / 1024)
        .findFirst()
        .orElse(0);
  }

  private static List<String> lines(String file) {
    try {
      return Files.readAllLines(Path.of(file));
    } catch (IOException e) {
      // Not Linux: the figure goes without.
      return List.of();
    }
  }
}

package io.sparkllama4.cli.bench;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/// What a figure must name: the processor, its vector extensions, the version.
final class Machine {
  private static final List<String> EXTENSIONS =
      List.of("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "avx_vnni", "amx_int8", "amx_bf16");

  private Machine() {}

  /// The processor's name, where the system tells.
  static Optional<String> describe() {
    return lines("/proc/cpuinfo").stream()
        .filter(line -> line.startsWith("model name"))
        .map(line -> line.substring(line.indexOf(':') + 1).trim())
        .findFirst();
  }

  /// Writes the processor's name and extensions.
  static void put(ObjectNode node) {
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

  /// The commit that the start script's project stands at, `-dirty` where files differ from it.
  static Optional<String> commit() {
    String root = System.getProperty("sparkllama4.root");
    if (root == null) {
      return Optional.empty();
    }
    return output("git", "-C", root, "describe", "--always", "--dirty", "--abbrev=7");
  }

  /// What a program of the system prints, where it is there and ends well.
  private static Optional<String> output(String... command) {
    try {
      Process process =
          new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
      process.getOutputStream().close();
      String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return process.waitFor() == 0 ? Optional.of(text.strip()) : Optional.empty();
    } catch (IOException e) {
      // No such program: what it would tell is not known.
      return Optional.empty();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Optional.empty();
    }
  }

  /// Makes the system forget what it keeps of a file in memory; false where it cannot.
  static boolean dropFromMemory(Path file) {
    // Reading nothing with this flag advises the kernel to drop the whole file; nothing may map it.
    return output("dd", "if=" + file, "iflag=nocache", "count=0", "status=none").isPresent();
  }

  /// The programs that wanted to run in the last minute; empty where the system does not tell.
  static Optional<Double> load() {
    double load = ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();
    return load < 0 ? Optional.empty() : Optional.of(load);
  }

  /// The version of this build.
  static String version() {
    return Optional.ofNullable(Machine.class.getPackage().getImplementationVersion())
        .orElse("0.1.0-SNAPSHOT");
  }

  /// The most memory that this process has had resident; empty where the system does not tell.
  static OptionalLong peakResidentBytes() {
    return ofThisProcess("VmHWM:");
  }

  /// The memory of this process that is no file's; empty where the system does not tell.
  static OptionalLong anonymousBytes() {
    return ofThisProcess("RssAnon:");
  }

  private static OptionalLong ofThisProcess(String name) {
    return lines("/proc/self/status").stream()
        .filter(line -> line.startsWith(name))
        .map(line -> line.replaceAll("\\D", ""))
        .mapToLong(kibibytes -> Long.parseLong(kibibytes) * 1024)
        .findFirst();
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

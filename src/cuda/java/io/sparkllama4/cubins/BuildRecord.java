package io.sparkllama4.cubins;

import io.sparkllama4.backend.cuda.KernelTarget;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;

/// What an archive was made of: a text beside it, from which the ordinary build sees that kernels
/// changed and the archive did not.
///
/// @param lines a value by its name: compiler, options, targets, a digest of each source, and of
///     the archive
record BuildRecord(SortedMap<String, String> lines) {
  private static final String HEADER = "# Written by bin/cuda-kernels\n";
  private static final String SEPARATOR = ": ";

  /// The record of `archive`, made of `sources` by the compiler as it is.
  static BuildRecord of(KernelSources sources, byte[] archive) {
    SortedMap<String, String> lines = new TreeMap<>();
    lines.put("compiler", "NVRTC " + KernelCompiler.VERSION);
    lines.put("options", String.join(" ", KernelCompiler.OPTIONS));
    lines.put(
        "targets",
        Arrays.stream(KernelTarget.values())
            .map(KernelTarget::architecture)
            .collect(Collectors.joining(" ")));
    sources
        .all()
        .forEach(
            (name, text) ->
                lines.put("source " + name, digest(text.getBytes(StandardCharsets.UTF_8))));
    lines.put("archive", digest(archive));
    return new BuildRecord(lines);
  }

  /// The record that a file holds as `text`.
  static BuildRecord read(String text) {
    SortedMap<String, String> lines = new TreeMap<>();
    text.lines()
        .filter(line -> !line.startsWith("#"))
        .map(line -> line.split(SEPARATOR, 2))
        .forEach(line -> lines.put(line[0], line.length > 1 ? line[1] : ""));
    return new BuildRecord(lines);
  }

  /// As a file holds it.
  String text() {
    return lines.entrySet().stream()
        .map(line -> line.getKey() + SEPARATOR + line.getValue() + "\n")
        .collect(Collectors.joining("", HEADER, ""));
  }

  private static String digest(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java has SHA-256", e);
    }
  }
}

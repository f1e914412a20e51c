package io.sparkllama4.cubins;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/// What kernels may take and must have: the lines of `src/cuda/limits.txt`.
///
/// @param lines in the order of the file; the first whose pattern fits a kernel holds
record Limits(List<Line> lines) {
  /// Where the file lies in the project.
  static final String FILE = "src/cuda/limits.txt";

  /// The kernel multiplies matrices on tensor cores.
  static final String TENSOR = "tensor";

  /// The kernel reads global memory 16 bytes a thread.
  static final String WIDE = "wide";

  private static final int FIELDS = 5;
  private static final Set<String> KNOWN = Set.of(TENSOR, WIDE);

  /// Limits of some kernels.
  ///
  /// @param pattern a name, or how names begin and then `*`
  /// @param registers of a thread, at most
  /// @param sharedBytes static shared memory of a block, at most
  /// @param dynamicBytes the dynamic shared memory that a launch asks for at most
  /// @param needs of [#TENSOR] and [#WIDE] those that its code must have
  record Line(String pattern, int registers, int sharedBytes, int dynamicBytes, Set<String> needs) {
    /// Whether it is about `kernel`.
    boolean fits(String kernel) {
      return pattern.endsWith("*")
          ? kernel.startsWith(pattern.substring(0, pattern.length() - 1))
          : kernel.equals(pattern);
    }
  }

  /// The limits of the project at `root`.
  static Limits of(Path root) throws IOException {
    return read(Files.readString(root.resolve(FILE)));
  }

  /// The limits in a file's `text`.
  static Limits read(String text) {
    return new Limits(
        text.lines()
            .map(String::strip)
            .filter(line -> !line.isEmpty() && !line.startsWith("#"))
            .map(Limits::line)
            .toList());
  }

  private static Line line(String text) {
    String[] fields = text.split("\\s+", -1);
    Set<String> needs =
        fields.length != FIELDS || fields[4].equals("-")
            ? Set.of()
            : Set.of(fields[4].split(",", -1));
    if (fields.length != FIELDS || !KNOWN.containsAll(needs)) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "[%s] in %s is not: a pattern, registers, static and dynamic bytes, and - or of %s",
              text,
              FILE,
              KNOWN));
    }
    return new Line(
        fields[0],
        Integer.parseInt(fields[1]),
        Integer.parseInt(fields[2]),
        Integer.parseInt(fields[3]),
        needs);
  }

  /// Those of `kernel`.
  Line of(String kernel) {
    return lines.stream()
        .filter(line -> line.fits(kernel))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    String.format(
                        Locale.ROOT,
                        "No line of %s is about the kernel [%s]: add one",
                        FILE,
                        kernel)));
  }
}

package io.sparkllama4.cubins;

import io.sparkllama4.backend.cuda.KernelArchive;
import io.sparkllama4.backend.cuda.KernelFigures;
import io.sparkllama4.backend.cuda.KernelTarget;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.stream.Collectors;

/// The table of kernels in `docs/gpu.md`: what each takes of a multiprocessor, and how many of its
/// warps that leaves room for.
final class KernelTable {
  static final String BEGIN = "<!-- Kernels: written by bin/cuda-kernels -->\n";
  static final String END = "<!-- End of the kernels -->\n";

  /// Where the page lies in the project.
  static final String PAGE = "docs/gpu.md";

  private static final List<KernelTarget> TARGETS =
      Arrays.stream(KernelTarget.values()).filter(KernelTarget::isMachineCode).toList();

  private KernelTable() {}

  /// `page` with the table of `archive` between its two markers.
  static String into(String page, KernelArchive archive, Limits limits) {
    int begin = page.indexOf(BEGIN);
    int end = page.indexOf(END);
    if (begin < 0 || end < begin) {
      throw new IllegalArgumentException(PAGE + " lacks the line " + BEGIN + " or " + END);
    }
    String table = String.join("\n", lines(archive, limits));
    return page.substring(0, begin) + BEGIN + "\n" + table + "\n\n" + page.substring(end);
  }

  private static List<String> lines(KernelArchive archive, Limits limits) {
    List<String> lines = new ArrayList<>();
    lines.add("| kernel | file | threads | registers | shared bytes | occupancy |");
    lines.add("|---|---|---|---|---|---|");
    archive
        .kernels(KernelTarget.SM_80)
        .forEach(
            (kernel, figures) -> {
              int dynamic = limits.of(kernel).dynamicBytes();
              lines.add(
                  String.format(
                      Locale.ROOT,
                      "| `%s` | `%s.cu` | %d | %s | %s | %s |",
                      kernel,
                      figures.module(),
                      figures.threads(),
                      each(archive, kernel, (target, its) -> "" + its.registers()),
                      shared(figures.sharedBytes(), dynamic),
                      each(
                          archive,
                          kernel,
                          (target, its) -> percent(occupancy(target, its, dynamic)))));
            });
    return lines;
  }

  private interface Value {
    String of(KernelTarget target, KernelFigures figures);
  }

  /// A value of a kernel for each target; once where all are the same.
  private static String each(KernelArchive archive, String kernel, Value value) {
    Function<KernelTarget, String> ofTarget =
        target -> {
          KernelFigures figures = archive.kernels(target).get(kernel);
          if (figures == null) {
            throw new IllegalStateException(
                String.format(Locale.ROOT, "[%s] is missing in %s", kernel, target.architecture()));
          }
          return value.of(target, figures);
        };
    List<String> values = TARGETS.stream().map(ofTarget).toList();
    return values.stream().distinct().count() == 1
        ? values.getFirst()
        : values.stream().collect(Collectors.joining(", "));
  }

  private static String shared(int fixed, int dynamic) {
    String text = String.format(Locale.ROOT, "%,d", fixed);
    return dynamic == 0 ? text : text + String.format(Locale.ROOT, " + %,d", dynamic);
  }

  private static double occupancy(KernelTarget target, KernelFigures figures, int dynamic) {
    return Occupancy.of(target)
        .share(figures.threads(), figures.registers(), figures.sharedBytes() + dynamic);
  }

  private static String percent(double share) {
    return Math.round(share * 100) + " %";
  }
}

package io.sparkllama4.cubins;

import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// What the compiler says in its log.
final class CompilerLog {
  /// Lines that say what a kernel takes, and those that are of no interest.
  private static final Pattern INFORMATION = Pattern.compile("ptxas (info )?\\s*[:.].*|\\s*");

  private static final Pattern KERNEL = Pattern.compile("Compiling entry function '([^']+)'");
  private static final Pattern STACK =
      Pattern.compile(
          "(\\d+) bytes stack frame, (\\d+) bytes spill stores, (\\d+) bytes spill loads");
  private static final Pattern REGISTERS = Pattern.compile("Used (\\d+) registers");
  private static final Pattern SHARED = Pattern.compile("(\\d+) bytes smem");

  /// What a kernel takes.
  ///
  /// @param registers of a thread
  /// @param sharedBytes static shared memory of a block
  /// @param stackBytes local memory of a thread, with that of the functions it calls
  /// @param spilledBytes stored and loaded because registers did not suffice
  record Usage(int registers, int sharedBytes, int stackBytes, int spilledBytes) {}

  private CompilerLog() {}

  /// Errors and warnings: whatever is no figure of a kernel. Empty where there are none.
  static String complaints(String log) {
    return log.lines()
        .filter(line -> !INFORMATION.matcher(line).matches())
        .collect(Collectors.joining("\n"));
  }

  /// What each kernel takes, by its name.
  static SortedMap<String, Usage> kernels(String log) {
    SortedMap<String, Usage> kernels = new TreeMap<>();
    String kernel = "";
    int stack = 0;
    int spilled = 0;
    for (String line : log.lines().toList()) {
      Matcher start = KERNEL.matcher(line);
      if (start.find()) {
        kernel = start.group(1);
        stack = 0;
        spilled = 0;
      }
      Matcher memory = STACK.matcher(line);
      if (memory.find()) {
        stack += number(memory, 1);
        spilled += number(memory, 2) + number(memory, 3);
      }
      Matcher registers = REGISTERS.matcher(line);
      if (registers.find()) {
        Matcher shared = SHARED.matcher(line);
        int sharedBytes = shared.find() ? number(shared, 1) : 0;
        kernels.put(kernel, new Usage(number(registers, 1), sharedBytes, stack, spilled));
      }
    }
    return kernels;
  }

  private static int number(Matcher matcher, int group) {
    return Integer.parseInt(matcher.group(group));
  }
}

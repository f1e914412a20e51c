package io.sparkllama4.backend.cuda;

import java.util.Locale;

/// What a compiled kernel takes of a multiprocessor, as the compiler said.
///
/// @param kernel the kernel's name
/// @param module the file that it is in, without ending
/// @param threads of a block, at most (its launch bounds)
/// @param registers of a thread
/// @param sharedBytes static shared memory of a block
/// @param stackBytes local memory of a thread
/// @param spilledBytes of registers that are stored to and loaded from local memory
public record KernelFigures(
    String kernel,
    String module,
    int threads,
    int registers,
    int sharedBytes,
    int stackBytes,
    int spilledBytes) {

  /// The names of the columns of [line].
  public static final String COLUMNS =
      "kernel,module,threads,registers,shared_bytes,stack_bytes,spilled_bytes";

  /// The figures as a line of the archive.
  public String line() {
    return String.format(
        Locale.ROOT,
        "%s,%s,%d,%d,%d,%d,%d",
        kernel,
        module,
        threads,
        registers,
        sharedBytes,
        stackBytes,
        spilledBytes);
  }

  /// The figures of a [line].
  static KernelFigures of(String line) {
    String[] fields = line.split(",", -1);
    if (fields.length != COLUMNS.split(",", -1).length) {
      throw new IllegalStateException(
          String.format(
                  Locale.ROOT,
                  "The line [%s] of the kernel archive has %d fields where [%s] has others: renew it with",
                  line,
                  fields.length,
                  COLUMNS)
              + " bin/cuda-kernels");
    }
    return new KernelFigures(
        fields[0],
        fields[1],
        Integer.parseInt(fields[2]),
        Integer.parseInt(fields[3]),
        Integer.parseInt(fields[4]),
        Integer.parseInt(fields[5]),
        Integer.parseInt(fields[6]));
  }
}

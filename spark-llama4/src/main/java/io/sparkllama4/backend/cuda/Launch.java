package io.sparkllama4.backend.cuda;

import io.sparkllama4.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/// Launches one kernel, again and again, without allocating: the memory of the arguments is made
/// once, and the driver copies them when it is called.
///
///     launch.begin().pointer(x).pointer(y).number(elements).run(stream, blocks, 1, 1, 256, 0);
///
/// Arguments stand in the kernel's order, each in the width that it has there. The first launch is
/// compared with what the driver knows of the kernel, later ones with the first. Used on the
/// device's thread.
public final class Launch {
  private static final int MOST_ARGUMENTS = 48;

  /// Each argument has a place of its own, large enough for the widest.
  private static final int PLACE = 8;

  private final CudaFunction function;
  private final CudaDevice device;
  private final MemorySegment values;
  private final MemorySegment pointers;

  /// The widths of the arguments, in bytes, of the first launch.
  private final byte[] widths = new byte[MOST_ARGUMENTS];

  private int expected = -1;
  private int count;

  /// Launches of `function`.
  public Launch(CudaFunction function) {
    this.function = function;
    device = function.device();
    MemorySegment block = device.arena().allocate(2L * PLACE * MOST_ARGUMENTS, 64);
    values = block.asSlice(0, (long) PLACE * MOST_ARGUMENTS);
    pointers = block.asSlice((long) PLACE * MOST_ARGUMENTS);
    for (int i = 0; i < MOST_ARGUMENTS; i++) {
      pointers.set(ValueLayout.JAVA_LONG, (long) PLACE * i, values.address() + (long) PLACE * i);
    }
  }

  /// The kernel.
  public CudaFunction function() {
    return function;
  }

  /// Begins with no arguments.
  public Launch begin() {
    count = 0;
    return this;
  }

  /// An address on the device.
  public Launch pointer(long address) {
    values.set(ValueLayout.JAVA_LONG, place(Long.BYTES), address);
    return this;
  }

  /// The address of a tensor on the device.
  public Launch pointer(Tensor tensor) {
    return pointer(tensor.data().address());
  }

  /// A 32-bit integer.
  public Launch integer(int value) {
    values.set(ValueLayout.JAVA_INT, place(Integer.BYTES), value);
    return this;
  }

  /// A 64-bit integer.
  public Launch number(long value) {
    values.set(ValueLayout.JAVA_LONG, place(Long.BYTES), value);
    return this;
  }

  /// A float.
  public Launch real(float value) {
    values.set(ValueLayout.JAVA_FLOAT, place(Float.BYTES), value);
    return this;
  }

  private long place(int width) {
    if (expected < 0) {
      if (count == MOST_ARGUMENTS) {
        throw new IllegalArgumentException(
            "Kernel [" + function.name() + "]: more than [" + MOST_ARGUMENTS + "] arguments");
      }
      widths[count] = (byte) width;
    } else if (count >= expected || widths[count] != width) {
      throw new IllegalArgumentException(
          "Kernel ["
              + function.name()
              + "] takes arguments of "
              + sizes(expected)
              + " bytes; argument ["
              + count
              + "] has ["
              + width
              + "]");
    }
    return (long) PLACE * count++;
  }

  private String sizes(int arguments) {
    return Arrays.toString(Arrays.copyOf(widths, arguments));
  }

  /// Gives the kernel to `stream`.
  ///
  /// @param gridX blocks
  /// @param gridY blocks, at most 65535
  /// @param gridZ blocks, at most 65535
  /// @param threads of a block
  /// @param sharedBytes dynamic shared memory of a block
  public void run(
      CudaStream stream, int gridX, int gridY, int gridZ, int threads, int sharedBytes) {
    device.enter();
    if (count != expected) {
      checkArguments();
    }
    function.allowShared(sharedBytes);
    int result =
        device
            .driver()
            .launchKernel(
                function.handle(),
                gridX,
                gridY,
                gridZ,
                threads,
                sharedBytes,
                stream.handle(),
                pointers);
    if (result != 0) {
      throw device.failure(
          result,
          "cuLaunchKernel",
          "kernel",
          function.name(),
          "grid",
          gridX + " x " + gridY + " x " + gridZ,
          "threads",
          threads,
          "shared bytes",
          sharedBytes);
    }
  }

  private void checkArguments() {
    if (expected >= 0) {
      throw new IllegalArgumentException(
          "Kernel ["
              + function.name()
              + "] takes ["
              + expected
              + "] arguments, not ["
              + count
              + "]");
    }
    if (device.driver().hasParamInfo()) {
      checkAgainstDriver();
    }
    expected = count;
  }

  private void checkAgainstDriver() {
    byte[] known = new byte[MOST_ARGUMENTS + 1];
    int parameters = 0;
    MemorySegment out = device.out();
    while (parameters <= MOST_ARGUMENTS) {
      int result =
          device.driver().funcGetParamInfo(function.handle(), parameters, out, out.asSlice(8));
      if (CudaError.of(result) == CudaError.INVALID_VALUE) {
        break;
      }
      if (result != 0) {
        throw device.failure(
            result, "cuFuncGetParamInfo", "kernel", function.name(), "index", parameters);
      }
      known[parameters++] = (byte) Math.min(out.get(ValueLayout.JAVA_LONG, 8), Byte.MAX_VALUE);
    }
    if (parameters != count || !Arrays.equals(known, 0, count, widths, 0, count)) {
      throw new IllegalArgumentException(
          "Kernel ["
              + function.name()
              + "] takes arguments of "
              + Arrays.toString(Arrays.copyOf(known, parameters))
              + " bytes, as cuFuncGetParamInfo says, not "
              + sizes(count));
    }
  }
}

package io.sparkllama4.backend.cuda.ffi;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.List;
import java.util.Optional;

/// NCCL's functions, as they are: each returns an `ncclResult_t`, 0 for success. Communicators and
/// streams are longs. The library is optional: nothing needs it.
public final class Nccl {
  /// Where the library is found.
  public static final NativeLibrary.Sources SOURCES =
      new NativeLibrary.Sources(
          "spark.llama4.nccl.library", "SPARK_LLAMA4_NCCL_LIBRARY", List.of("libnccl.so.2"));

  /// `ncclFloat32` and `ncclSum`.
  private static final int FLOAT32 = 7;

  private static final int SUM = 0;

  private static final EntryPoint GET_VERSION = EntryPoints.of(0, "ncclGetVersion", "A", false);
  private static final EntryPoint INIT_ALL = EntryPoints.of(1, "ncclCommInitAll", "AIA", false);
  private static final EntryPoint ALL_REDUCE = EntryPoints.of(2, "ncclAllReduce", "LLLIILL", false);
  private static final EntryPoint ABORT = EntryPoints.of(3, "ncclCommAbort", "L", false);
  private static final EntryPoint DESTROY = EntryPoints.of(4, "ncclCommDestroy", "L", false);
  private static final List<EntryPoint> ALL =
      List.of(GET_VERSION, INIT_ALL, ALL_REDUCE, ABORT, DESTROY);

  private final String origin;
  private final List<MemorySegment> addresses;
  private final Optional<MemorySegment> errorString;

  private Nccl(String origin, List<MemorySegment> addresses, Optional<MemorySegment> errorString) {
    this.origin = origin;
    this.addresses = addresses;
    this.errorString = errorString;
  }

  /// What was found.
  ///
  /// @param nccl empty where there is none
  /// @param reason why there is none; empty where there is one
  public record Found(Optional<Nccl> nccl, String reason) {}

  /// Looks for the library; never throws.
  public static Found find(NativeLibrary.Sources sources) {
    NativeLibrary library = NativeLibrary.find(sources);
    if (!library.isPresent()) {
      return new Found(Optional.empty(), library.reason());
    }
    for (EntryPoint entry : ALL) {
      if (library.find(entry.symbol()).isEmpty()) {
        return new Found(
            Optional.empty(), "[" + library.origin() + "] has no function " + entry.symbol());
      }
    }
    List<MemorySegment> addresses =
        ALL.stream().map(entry -> library.find(entry.symbol()).orElseThrow()).toList();
    return new Found(
        Optional.of(new Nccl(library.origin(), addresses, library.find("ncclGetErrorString"))), "");
  }

  /// The file or name of the library.
  public String origin() {
    return origin;
  }

  private MemorySegment at(EntryPoint entry) {
    return addresses.get(entry.index());
  }

  /// `ncclGetVersion`: 10000 * major + 100 * minor + patch.
  public int getVersion(MemorySegment version) {
    return GET_VERSION.call(at(GET_VERSION), version);
  }

  /// `ncclCommInitAll`: a communicator for each device.
  ///
  /// @param communicators written, 8 bytes each
  /// @param devices numbers as CUDA counts them, 4 bytes each
  public int commInitAll(MemorySegment communicators, int count, MemorySegment devices) {
    return INIT_ALL.call(at(INIT_ALL), communicators, count, devices);
  }

  /// `ncclAllReduce` of floats, in place, as sums; queued on `stream`.
  public int sum(long values, long count, long communicator, long stream) {
    return ALL_REDUCE.call(
        at(ALL_REDUCE), values, values, count, FLOAT32, SUM, communicator, stream);
  }

  /// `ncclCommAbort`: ends what waits for other ranks, and the communicator.
  public int commAbort(long communicator) {
    return ABORT.call(at(ABORT), communicator);
  }

  /// `ncclCommDestroy`.
  public int commDestroy(long communicator) {
    return DESTROY.call(at(DESTROY), communicator);
  }

  /// What a result means, as far as the library says.
  @SuppressWarnings("restricted") // So is every call of native code.
  public String describe(int result) {
    String number = "ncclResult_t " + result;
    if (errorString.isEmpty()) {
      return number;
    }
    FunctionDescriptor shape = FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.JAVA_INT);
    MethodHandle handle = Linker.nativeLinker().downcallHandle(errorString.get(), shape);
    try {
      MemorySegment text = (MemorySegment) handle.invokeExact(result);
      return text.address() == 0 ? number : number + ": " + DeviceSegments.text(text);
    } catch (Throwable failure) {
      throw new IllegalStateException("ncclGetErrorString could not be called", failure);
    }
  }

  /// The library's version, `2.27.3`; empty where it does not tell.
  public String version() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment number = arena.allocate(ValueLayout.JAVA_INT);
      if (getVersion(number) != 0) {
        return "";
      }
      int version = number.get(ValueLayout.JAVA_INT, 0);
      return version / 10_000 + "." + version / 100 % 100 + "." + version % 100;
    }
  }
}

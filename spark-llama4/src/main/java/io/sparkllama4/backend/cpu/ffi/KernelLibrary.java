package io.sparkllama4.backend.cpu.ffi;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;

/// One build of the native kernels. What the functions do stands in `kernels.h`; all addresses are
/// of native memory that its owner keeps alive during the call.
public final class KernelLibrary {
  private static final MemoryLayout INT = ValueLayout.JAVA_INT;
  private static final MemoryLayout LONG = ValueLayout.JAVA_LONG;
  private static final MemoryLayout FLOAT = ValueLayout.JAVA_FLOAT;

  // Static, with the function's address as an argument: so calls are compiled into their callers.
  private static final MethodHandle QUANTIZED_BYTES =
      handle(FunctionDescriptor.of(ValueLayout.JAVA_LONG, INT, LONG));
  private static final MethodHandle QUANTIZE = handle(procedure(INT, LONG, LONG, LONG, LONG, LONG));
  private static final MethodHandle PRODUCT =
      handle(procedure(INT, LONG, LONG, LONG, LONG, LONG, LONG, LONG, LONG, LONG, LONG, LONG));
  private static final MethodHandle ATTEND = handle(procedure(longs(15)));
  private static final MethodHandle RMS_NORM =
      handle(procedure(LONG, LONG, FLOAT, LONG, LONG, LONG));
  private static final MethodHandle SWIGLU = handle(procedure(longs(7)));
  private static final MethodHandle ADD = handle(procedure(longs(3)));
  private static final MethodHandle CEILING =
      handle(FunctionDescriptor.of(ValueLayout.JAVA_DOUBLE, INT, LONG, LONG, LONG));

  private static final Found FOUND = find();

  private final String instructions;
  private final MemorySegment quantizedBytes;
  private final MemorySegment quantize;
  private final MemorySegment product;
  private final MemorySegment attend;
  private final MemorySegment rmsNorm;
  private final MemorySegment swiGlu;
  private final MemorySegment add;
  private final MemorySegment ceiling;

  /// What looking for the library found.
  ///
  /// @param library where there is one
  /// @param reason why there is none, or which it is
  public record Found(Optional<KernelLibrary> library, String reason) {}

  private KernelLibrary(String instructions, SymbolLookup symbols) {
    this.instructions = instructions;
    quantizedBytes = symbols.findOrThrow("sl4_quantized_bytes");
    quantize = symbols.findOrThrow("sl4_quantize");
    product = symbols.findOrThrow("sl4_product");
    attend = symbols.findOrThrow("sl4_attend");
    rmsNorm = symbols.findOrThrow("sl4_rms_norm");
    swiGlu = symbols.findOrThrow("sl4_swiglu");
    add = symbols.findOrThrow("sl4_add");
    ceiling = symbols.findOrThrow("sl4_ceiling");
  }

  private static MemoryLayout[] longs(int count) {
    MemoryLayout[] layouts = new MemoryLayout[count];
    java.util.Arrays.fill(layouts, LONG);
    return layouts;
  }

  private static FunctionDescriptor procedure(MemoryLayout... arguments) {
    return FunctionDescriptor.ofVoid(arguments);
  }

  @SuppressWarnings("restricted") // So is every call of native code.
  private static MethodHandle handle(FunctionDescriptor shape) {
    return Linker.nativeLinker().downcallHandle(shape);
  }

  /// The library of this process: looked for once.
  public static Found found() {
    return FOUND;
  }

  private static Found find() {
    try {
      List<InstructionSet> usable = InstructionSet.usable();
      for (InstructionSet set : usable) {
        Optional<KernelLibrary> library = open(set);
        if (library.isPresent()) {
          return new Found(library, set.label());
        }
      }
      if (usable.isEmpty()) {
        return none(
            System.getProperty(InstructionSet.LIMIT, "").isEmpty()
                ? "there are no native kernels for the instructions of this processor"
                : "the system property " + InstructionSet.LIMIT + " allows no native kernels here");
      }
      return none("this build holds no native kernels: no C compiler was found when it was made");
    } catch (IOException | RuntimeException | UnsatisfiedLinkError e) {
      return none("the native kernels cannot be opened: " + e);
    }
  }

  private static Found none(String reason) {
    return new Found(Optional.empty(), reason);
  }

  private static Optional<KernelLibrary> open(InstructionSet set) throws IOException {
    String resource = "/io/sparkllama4/kernels/" + set.label() + "/libsparkllama4.so";
    try (InputStream in = KernelLibrary.class.getResourceAsStream(resource)) {
      if (in == null) {
        return Optional.empty();
      }
      Path file = Files.createTempFile("spark-llama4-", ".so");
      try {
        Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
        return Optional.of(open(set.label(), file));
      } finally {
        // The loader has mapped it; its name is not needed any more.
        Files.delete(file);
      }
    }
  }

  /// The library in `file`.
  ///
  /// @param instructions what it was built for
  @SuppressWarnings("restricted") // So is all loading of native code.
  public static KernelLibrary open(String instructions, Path file) {
    // Never closed: code that has been loaded stays as long as the process.
    return new KernelLibrary(instructions, SymbolLookup.libraryLookup(file, Arena.ofShared()));
  }

  /// What it was built for: `x86-64-v3`.
  public String instructions() {
    return instructions;
  }

  /// Bytes of a row of `inputs` quantised inputs for weights of `kind`.
  public long quantizedBytes(int kind, long inputs) {
    try {
      return (long) QUANTIZED_BYTES.invokeExact(quantizedBytes, kind, inputs);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /// Quantises `rows` rows, `stride` floats apart, to `target`.
  public void quantize(int kind, long input, long stride, long inputs, long rows, long target) {
    try {
      QUANTIZE.invokeExact(quantize, kind, input, stride, inputs, rows, target);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /// A matrix as the library sees it.
  ///
  /// @param kind a number of `enum kind`
  /// @param values address
  /// @param scales address, 0 without any
  public record PanelMatrix(int kind, long values, long scales, long inputs, long group) {}

  /// `y[rows][outputs] = x Wt` for the outputs from panel `first` on; strides in bytes.
  public void product(
      PanelMatrix weight, long first, long outputs, Rows input, long rows, Rows output) {
    try {
      PRODUCT.invokeExact(
          product,
          weight.kind(),
          weight.values(),
          weight.scales(),
          weight.inputs(),
          weight.group(),
          first,
          outputs,
          input.address(),
          input.stride(),
          rows,
          output.address(),
          output.stride());
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /// Rows in memory.
  ///
  /// @param address of the first
  /// @param stride bytes from a row to the next
  public record Rows(long address, long stride) {}

  /// Where one head of one sequence lies in the cache.
  ///
  /// @param blocks address of the ids of the sequence's blocks
  /// @param keySlabs address of the slabs' addresses
  /// @param valueSlabs address of the slabs' addresses
  /// @param slabSlots tokens of a slab
  /// @param row floats from a token to the next
  /// @param head floats in front of the head
  public record PagedHead(
      long blocks,
      long blockTokens,
      long keySlabs,
      long valueSlabs,
      long slabSlots,
      long row,
      long head) {}

  /// What attends.
  ///
  /// @param stride floats from a token's queries to the next
  /// @param position of the first token
  /// @param group query heads of the key head
  /// @param chunk 0 for none
  public record Queries(
      long queries,
      long output,
      long stride,
      long tokens,
      long position,
      long group,
      long dim,
      long chunk) {}

  /// Attention of some tokens of one sequence, all query heads of one key head.
  public void attend(Queries q, PagedHead kv) {
    try {
      ATTEND.invokeExact(
          attend,
          q.queries(),
          q.output(),
          q.stride(),
          q.tokens(),
          q.position(),
          q.group(),
          q.dim(),
          q.chunk(),
          kv.blocks(),
          kv.blockTokens(),
          kv.keySlabs(),
          kv.valueSlabs(),
          kv.slabSlots(),
          kv.row(),
          kv.head());
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /// `output = input / rms(input) * weight` for rows of `width` floats.
  public void rmsNorm(long input, long weight, float epsilon, long width, long rows, long output) {
    try {
      RMS_NORM.invokeExact(rmsNorm, input, weight, epsilon, width, rows, output);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /// `output = silu(gate) * up` for rows of `width` floats; strides in bytes.
  public void swiGlu(Rows gate, long up, long width, long rows, Rows output) {
    try {
      SWIGLU.invokeExact(
          swiGlu,
          gate.address(),
          up,
          gate.stride() / Float.BYTES,
          width,
          rows,
          output.address(),
          output.stride() / Float.BYTES);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /// `target += addend`, `count` floats.
  public void add(long addend, long target, long count) {
    try {
      ADD.invokeExact(add, addend, target, count);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /// Does what a ceiling counts and returns how much: multiplications and additions, or bytes.
  ///
  /// @param what 0 float32, 1 int8, 2 int4, 3 brain float, 4 memory; -1 comes back for what these
  ///     instructions cannot
  /// @param memory an address, for memory
  /// @param bytes how many
  public double ceiling(int what, long rounds, long memory, long bytes) {
    try {
      return (double) CEILING.invokeExact(ceiling, what, rounds, memory, bytes);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  private static IllegalStateException unexpected(Throwable e) {
    if (e instanceof Error error) {
      throw error;
    }
    return new IllegalStateException("A native kernel could not be called", e);
  }
}

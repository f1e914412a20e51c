package io.sparkllama4.backend.cpu;

import io.sparkllama4.backend.Backend;
import io.sparkllama4.backend.Ceilings;
import io.sparkllama4.backend.Kernels;
import io.sparkllama4.backend.ReadAhead;
import io.sparkllama4.backend.Routing;
import io.sparkllama4.backend.WeightForm;
import io.sparkllama4.backend.cpu.ffi.HostPages;
import io.sparkllama4.backend.cpu.ffi.KernelLibrary;
import io.sparkllama4.tensor.Allocator;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.Matrix;
import io.sparkllama4.tensor.NativeArena;
import io.sparkllama4.tensor.Tensor;
import io.sparkllama4.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/// The processor and its memory. The plain kernels read weights where the checkpoint's files are
/// mapped; the others have them in panels.
public final class CpuBackend implements Backend {
  private static final String PLAIN = "scalar";

  /// All kernels but the plain ones read the same panels. The number counts up with
  /// every change of what [PanelPacker] writes.
  private static final String LAYOUT = "cpu-panels16-2";

  private final String kernelPath;
  private final String kernelDetail;
  private final Kernels kernels;
  private final CpuPool pool;
  private final PanelMath math;
  private final AtomicLong allocated = new AtomicLong();
  private @Nullable CpuCeilings ceilings;

  private CpuBackend(
      String kernelPath, String kernelDetail, Kernels kernels, CpuPool pool, PanelMath math) {
    this.kernelPath = kernelPath;
    this.kernelDetail = kernelDetail;
    this.kernels = kernels;
    this.pool = pool;
    this.math = math;
  }

  /// The plain kernels on the calling thread: what every other backend is compared with.
  public static CpuBackend scalar() {
    return plain(new ScalarKernels(), 1);
  }

  /// Kernels that read weights as they are stored.
  ///
  /// @param threads of measurements; the kernels run on the calling thread
  public static CpuBackend plain(Kernels kernels, int threads) {
    return new CpuBackend(
        PLAIN, "plain loops", kernels, new CpuPool(threads), new VectorPanels(threads));
  }

  /// The kernels on the Java Vector API.
  ///
  /// @param reason why no faster ones
  static CpuBackend vector(int threads, String reason) {
    CpuPool pool = new CpuPool(threads);
    PanelMath math = new VectorPanels(threads);
    Kernels kernels = new FastKernels(pool, math, new TokenAttention(pool));
    return new CpuBackend("vector", reason, kernels, pool, math);
  }

  /// The native kernels.
  static CpuBackend nativeKernels(int threads, KernelLibrary library) {
    CpuPool pool = new CpuPool(threads);
    NativePanels math = new NativePanels(library);
    PanelAttention attention = new BlockedAttention(pool, math, new TokenAttention(pool));
    Kernels kernels = new FastKernels(pool, math, attention);
    return new CpuBackend("native", library.instructions(), kernels, pool, math);
  }

  @Override
  public String name() {
    return "cpu";
  }

  @Override
  public String kernelPath() {
    return kernelPath;
  }

  @Override
  public String kernelDetail() {
    return kernelDetail;
  }

  @Override
  public int threads() {
    return pool.threads();
  }

  /// Every kernel of the CPU takes its sums in an order that the weights' shapes decide.
  @Override
  public boolean isStrict() {
    return true;
  }

  @Override
  public Kernels kernels() {
    return kernels;
  }

  @Override
  public long freeBytes() {
    return HostMemory.availableBytes();
  }

  @Override
  public long allocatedBytes() {
    return allocated.get();
  }

  @Override
  public Allocator allocator() {
    NativeArena arena = new NativeArena(new ChunkedMemory());
    return new Allocator() {
      @Override
      public Tensor allocate(DType dtype, long... sizes) {
        long before = arena.bytes();
        Tensor tensor = arena.allocate(dtype, sizes);
        allocated.addAndGet(arena.bytes() - before);
        return tensor;
      }

      @Override
      public long bytes() {
        return arena.bytes();
      }

      @Override
      public void close() {
        long bytes = arena.bytes();
        arena.close();
        allocated.addAndGet(-bytes);
      }
    };
  }

  @Override
  public Optional<String> layout(WeightForm form) {
    if (staysStored(form)) {
      return Optional.empty();
    }
    // Routers, which keep their stored form, stay where they are under the plain kernels.
    return Optional.of(kernelPath.equals(PLAIN) ? LAYOUT + "-" + PLAIN : LAYOUT);
  }

  private boolean staysStored(WeightForm form) {
    return kernelPath.equals(PLAIN) && form == WeightForm.STORED;
  }

  @Override
  public List<TensorSpec> plan(Linear stored, int parts, WeightForm form) {
    List<TensorSpec> specs = new ArrayList<>();
    if (!staysStored(form)) {
      for (Linear.Part part : stored.parts()) {
        int cuts = cuts(stored, parts);
        for (int cut = 0; cut < cuts; cut++) {
          specs.addAll(PanelPacker.plan(part.weight(), part.weight().rows() / cuts, form));
        }
      }
    }
    return specs;
  }

  private static int cuts(Linear stored, int parts) {
    return stored.parts().size() == parts ? 1 : parts;
  }

  @Override
  public List<TensorSpec> plan(Tensor stored) {
    return stored.dtype() == DType.F32
        ? List.of()
        : List.of(TensorSpec.of(DType.F32, stored.shape().elements()));
  }

  @Override
  public ReadAhead readAhead(List<Linear> stored, WeightForm form) {
    return staysStored(form) ? ReadAhead.NONE : FileReadAhead.start(stored);
  }

  @Override
  public Linear place(Linear stored, int parts, WeightForm form, Allocator memory) {
    if (staysStored(form)) {
      return stored;
    }
    PanelPacker packer = new PanelPacker(pool, memory);
    List<Linear.Part> placed = new ArrayList<>();
    for (Linear.Part part : stored.parts()) {
      int cuts = cuts(stored, parts);
      long rows = part.weight().rows() / cuts;
      for (int cut = 0; cut < cuts; cut++) {
        Matrix packed = packer.pack(part.weight(), cut * rows, (cut + 1) * rows, form);
        Tensor bias = part.hasBias() ? part.bias().rows(cut * rows, rows) : part.bias();
        placed.add(new Linear.Part(packed, bias));
      }
      HostPages.release(part.weight().values().data());
    }
    return new Linear(placed);
  }

  @Override
  public Tensor place(Tensor stored, Allocator memory) {
    List<TensorSpec> specs = plan(stored);
    if (specs.isEmpty()) {
      return stored;
    }
    Tensor wide = memory.allocate(specs.getFirst());
    for (long i = 0; !memory.isFilled() && i < stored.shape().elements(); i++) {
      wide.set(i, stored.decode(i));
    }
    return wide;
  }

  @Override
  public Routing allocateRouting(int tokens, int experts, int chosen, Allocator memory) {
    return new CpuRouting(tokens, experts, chosen);
  }

  @Override
  public void write(int[] values, int count, Tensor target) {
    for (int i = 0; i < count; i++) {
      target.set(i, values[i]);
    }
  }

  @Override
  public void step(Runnable body) {
    pool.during(body);
  }

  @Override
  public Ceilings measureCeilings() {
    CpuCeilings open = ceilings;
    if (open == null) {
      open = new CpuCeilings(pool, math);
      ceilings = open;
    }
    return open.measure();
  }

  @Override
  public void close() {
    if (ceilings != null) {
      ceilings.close();
    }
    pool.close();
    if (kernels instanceof FastKernels fast) {
      fast.close();
    }
  }
}

package io.sparkllama4.backend.cpu;

import io.sparkllama4.backend.Backend;
import io.sparkllama4.backend.Ceilings;
import io.sparkllama4.backend.FileReadAhead;
import io.sparkllama4.backend.Kernels;
import io.sparkllama4.backend.KvForm;
import io.sparkllama4.backend.MatrixCut;
import io.sparkllama4.backend.Placement;
import io.sparkllama4.backend.ReadAhead;
import io.sparkllama4.backend.Routing;
import io.sparkllama4.backend.WeightForm;
import io.sparkllama4.backend.cpu.ffi.HostPages;
import io.sparkllama4.backend.cpu.ffi.KernelLibrary;
import io.sparkllama4.tensor.Allocator;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.NativeArena;
import io.sparkllama4.tensor.Tensor;
import io.sparkllama4.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntConsumer;
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
  private final AtomicLong allocated;

  /// Those that share the model with this one, where it leads them.
  private final Optional<CpuRanks> group;

  private @Nullable CpuCeilings ceilings;
  private @Nullable CpuPool measuring;

  private CpuBackend(
      String kernelPath, String kernelDetail, Kernels kernels, CpuPool pool, PanelMath math) {
    this(kernelPath, kernelDetail, kernels, pool, math, new AtomicLong(), Optional.empty());
  }

  private CpuBackend(
      String kernelPath,
      String kernelDetail,
      Kernels kernels,
      CpuPool pool,
      PanelMath math,
      AtomicLong allocated,
      Optional<CpuRanks> group) {
    this.kernelPath = kernelPath;
    this.kernelDetail = kernelDetail;
    this.kernels = kernels;
    this.pool = pool;
    this.math = math;
    this.allocated = allocated;
    this.group = group;
  }

  /// This backend as the first of several ranks; it takes the place of this object.
  CpuBackend leading(CpuRanks others) {
    return new CpuBackend(
        kernelPath, kernelDetail, kernels, pool, math, allocated, Optional.of(others));
  }

  private List<CpuBackend> others() {
    return group.map(CpuRanks::others).orElse(List.of());
  }

  /// The threads of this rank.
  CpuPool pool() {
    return pool;
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
  static CpuBackend vector(int threads, String reason, RankLink link) {
    CpuPool pool = new CpuPool(threads);
    PanelMath math = new VectorPanels(threads);
    Kernels kernels = new FastKernels(pool, math, new TokenAttention(pool), link);
    return new CpuBackend("vector", reason, kernels, pool, math);
  }

  /// The native kernels.
  static CpuBackend nativeKernels(int threads, KernelLibrary library, RankLink link) {
    CpuPool pool = new CpuPool(threads);
    NativePanels math = new NativePanels(library);
    PanelAttention attention = new BlockedAttention(pool, math, new TokenAttention(pool));
    Kernels kernels = new FastKernels(pool, math, attention, link);
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
  public List<Backend> ranks() {
    List<Backend> ranks = new ArrayList<>();
    ranks.add(this);
    ranks.addAll(others());
    return List.copyOf(ranks);
  }

  @Override
  public int threads() {
    return pool.threads() + others().stream().mapToInt(CpuBackend::threads).sum();
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
    return allocated.get() + others().stream().mapToLong(CpuBackend::allocatedBytes).sum();
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
    return kernelPath.equals(PLAIN) && (form == WeightForm.STORED || form == WeightForm.EXACT);
  }

  /// Plain kernels read whole matrices where they are stored; parts of them lie in panels.
  private boolean staysStored(WeightForm form, Placement placement) {
    return staysStored(form) && placement instanceof Placement.Replicated;
  }

  @Override
  public boolean readsHostMemory() {
    return true;
  }

  @Override
  public List<TensorSpec> plan(Linear stored, Placement placement, int parts, WeightForm form) {
    return staysStored(form, placement)
        ? List.of()
        : MatrixCut.of(stored, placement, parts).stream()
            .flatMap(cut -> PanelPacker.plan(cut.block(), form).stream())
            .toList();
  }

  @Override
  public List<TensorSpec> plan(Tensor stored) {
    return stored.dtype() == DType.F32
        ? List.of()
        : List.of(TensorSpec.of(DType.F32, stored.shape().elements()));
  }

  @Override
  public ReadAhead readAhead(List<Linear> stored, WeightForm form) {
    return staysStored(form) ? ReadAhead.NONE : FileReadAhead.start(stored, 1);
  }

  @Override
  public Linear place(
      Linear stored, Placement placement, int parts, WeightForm form, Allocator memory) {
    if (staysStored(form, placement)) {
      return stored;
    }
    PanelPacker packer = new PanelPacker(pool, memory);
    List<Linear.Part> placed = new ArrayList<>();
    for (MatrixCut cut : MatrixCut.of(stored, placement, parts)) {
      placed.add(new Linear.Part(packer.pack(cut.block(), form), cut.bias()));
    }
    stored.parts().forEach(part -> HostPages.release(part.weight().values().data()));
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
  public Tensor placeTable(Tensor stored, Allocator memory) {
    return stored;
  }

  /// A laptop's other programs, or an executor's other tasks, keep the rest of the memory.
  @Override
  public KvForm kv() {
    return new KvForm(DType.F32, true, 0.5);
  }

  @Override
  public Tensor readable(Tensor value) {
    return value;
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
  public void step(IntConsumer body) {
    if (group.isPresent()) {
      group.get().run(pool, body);
    } else {
      pool.during(() -> body.accept(0));
    }
  }

  @Override
  public Optional<Ceilings> measureCeilings() {
    CpuCeilings open = ceilings;
    if (open == null) {
      CpuPool all = pool;
      if (group.isPresent()) {
        all = new CpuPool(threads());
        measuring = all;
      }
      open = new CpuCeilings(all, math);
      ceilings = open;
    }
    return Optional.of(open.measure());
  }

  @Override
  public void close() {
    if (ceilings != null) {
      ceilings.close();
    }
    if (measuring != null) {
      measuring.close();
    }
    group.ifPresent(CpuRanks::close);
    pool.close();
    if (kernels instanceof FastKernels fast) {
      fast.close();
    }
  }
}

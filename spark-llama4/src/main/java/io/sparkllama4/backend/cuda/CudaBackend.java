package io.sparkllama4.backend.cuda;

import io.sparkllama4.backend.Backend;
import io.sparkllama4.backend.Ceilings;
import io.sparkllama4.backend.FileReadAhead;
import io.sparkllama4.backend.Kernels;
import io.sparkllama4.backend.KvForm;
import io.sparkllama4.backend.MatrixCut;
import io.sparkllama4.backend.Placement;
import io.sparkllama4.backend.ReadAhead;
import io.sparkllama4.backend.Routing;
import io.sparkllama4.backend.StepShape;
import io.sparkllama4.backend.WeightForm;
import io.sparkllama4.backend.cuda.ffi.DeviceSegments;
import io.sparkllama4.tensor.Allocator;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.Tensor;
import io.sparkllama4.tensor.TensorSpec;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.IntConsumer;

/// One device and its memory, as a rank of a model: everything from the embedding to the sampled
/// token is computed there.
public final class CudaBackend implements Backend {
  /// Slots of pinned memory through which integers and weights go up: copies of 8 MiB keep the bus
  /// busy.
  private static final int SLOTS = 4;

  private static final long SLOT_BYTES = 8L << 20;

  /// Threads that read weights from files before they are sent: several keep fast disks busy, and
  /// bring the pages of a file into memory faster than one.
  private static final int READERS = 4;

  /// Keys and values take what weights and scratch memory leave, but for what graphs, modules and
  /// the driver take later.
  private static final double KV_SHARE_OF_FREE = 0.9;

  private final CudaDevice device;
  private final CudaStream stream;
  private final PinnedRing ring;
  private final KernelSet set;
  private final Scratch scratch;
  private final CudaLink link;
  private final CudaKernels kernels;
  private final StepGraphs graphs;
  private final KvForm kv;

  /// Those that share the model with this one, where it leads them.
  private Optional<CudaRanks> group = Optional.empty();

  /// Makes the link of a rank to others.
  interface Linking {
    /// A link whose copies and kernels are given to `stream`.
    CudaLink link(KernelSet kernels, CudaStream stream, Scratch scratch);
  }

  /// A rank on `device`, which is closed with this, or here where it fails.
  CudaBackend(CudaDevice device, CudaRanks.Settings settings, Linking linking) {
    this.device = device;
    DeviceInfo info = device.info();
    KernelTarget target = KernelTarget.of(info.major(), info.minor()).orElseThrow();
    try {
      stream = CudaStream.create(device);
      ring = new PinnedRing(stream, SLOTS, SLOT_BYTES);
      set = new KernelSet(device, settings.archive(), target);
      scratch = new Scratch(device);
      int terms = settings.strict() ? 2 : 1;
      link = linking.link(set, stream, scratch);
      kernels = new CudaKernels(set, stream, scratch, link, terms);
      graphs = new StepGraphs(stream, scratch);
      kv = new KvForm(settings.kvType(), false, KV_SHARE_OF_FREE);
    } catch (RuntimeException | Error e) {
      new Failures(e).attempt(device::close);
      throw e;
    }
  }

  /// The kernels of its device.
  KernelSet kernelSet() {
    return set;
  }

  /// What all its work is given to.
  CudaStream stream() {
    return stream;
  }

  /// This rank as the first of several.
  CudaBackend leading(CudaRanks others) {
    group = Optional.of(others);
    return this;
  }

  private List<CudaBackend> others() {
    return group.map(CudaRanks::others).orElse(List.of());
  }

  @Override
  public String name() {
    return "cuda";
  }

  @Override
  public String kernelPath() {
    return "cuda";
  }

  @Override
  public String kernelDetail() {
    return device.info() + group.map(ranks -> "; " + ranks.detail()).orElse("");
  }

  @Override
  public List<Backend> ranks() {
    List<Backend> ranks = new ArrayList<>();
    ranks.add(this);
    ranks.addAll(others());
    return List.copyOf(ranks);
  }

  /// The devices' own threads.
  @Override
  public int threads() {
    return 1 + others().size();
  }

  /// Tiles and splits are chosen so that no choice changes a sum's order.
  @Override
  public boolean isStrict() {
    return true;
  }

  @Override
  public Kernels kernels() {
    return kernels;
  }

  /// Of all ranks, as many times the least: shares of a model are alike.
  @Override
  public long freeBytes() {
    long least = device.freeBytes();
    for (CudaBackend other : others()) {
      least = Math.min(least, other.device.freeBytes());
    }
    return least * (1 + others().size());
  }

  @Override
  public long allocatedBytes() {
    return device.allocatedBytes() + others().stream().mapToLong(CudaBackend::allocatedBytes).sum();
  }

  @Override
  public Allocator allocator() {
    return new CudaAllocator(stream);
  }

  /// Weights are brought into order by the device at each start.
  @Override
  public Optional<String> layout(WeightForm form) {
    return Optional.empty();
  }

  @Override
  public boolean readsHostMemory() {
    return false;
  }

  @Override
  public List<TensorSpec> plan(Linear stored, Placement placement, int parts, WeightForm form) {
    List<TensorSpec> plan = new ArrayList<>();
    for (MatrixCut cut : MatrixCut.of(stored, placement, parts)) {
      plan.addAll(FragmentPacker.plan(cut.block(), form));
      if (cut.bias().size(0) > 0) {
        plan.addAll(plan(cut.bias()));
      }
    }
    return plan;
  }

  @Override
  public List<TensorSpec> plan(Tensor stored) {
    return List.of(TensorSpec.of(DType.F32, stored.shape().elements()));
  }

  @Override
  public ReadAhead readAhead(List<Linear> stored, WeightForm form) {
    return FileReadAhead.start(stored, READERS);
  }

  @Override
  public Linear place(
      Linear stored, Placement placement, int parts, WeightForm form, Allocator memory) {
    FragmentPacker packer = new FragmentPacker(set, stream, ring);
    List<Linear.Part> placed = new ArrayList<>();
    for (MatrixCut cut : MatrixCut.of(stored, placement, parts)) {
      Tensor bias = cut.bias().size(0) > 0 ? place(cut.bias(), memory) : Linear.NO_BIAS;
      placed.add(new Linear.Part(packer.pack(cut.block(), form, memory), bias));
    }
    return new Linear(placed);
  }

  @Override
  public Tensor place(Tensor stored, Allocator memory) {
    Tensor placed = memory.allocate(plan(stored).getFirst());
    try (Arena arena = Arena.ofShared()) {
      Tensor wide =
          new Tensor(
              DType.F32, placed.shape(), arena.allocate(placed.data().byteSize(), Float.BYTES));
      for (long i = 0; i < placed.shape().elements(); i++) {
        wide.set(i, stored.decode(i));
      }
      ring.upload(wide.data(), placed.data().address(), wide.data().byteSize());
    }
    return placed;
  }

  /// Embeddings lie in pinned memory of the host: a step reads one row of them to a token.
  @Override
  public Tensor placeTable(Tensor stored, Allocator memory) {
    long bytes = stored.data().byteSize();
    PinnedMemory pinned = ((CudaAllocator) memory).pin(bytes);
    MemorySegment.copy(stored.data(), 0, pinned.segment(), 0, bytes);
    return new Tensor(
        stored.dtype(), stored.shape(), DeviceSegments.device(pinned.deviceAddress(), bytes));
  }

  @Override
  public KvForm kv() {
    return kv;
  }

  /// A copy in the host's heap.
  @Override
  public Tensor readable(Tensor value) {
    long bytes = value.data().byteSize();
    if (bytes == 0) {
      return value;
    }
    try (Readback readback = new Readback(stream, bytes)) {
      byte[] copy = readback.read(value.data().address(), bytes).toArray(ValueLayout.JAVA_BYTE);
      return new Tensor(value.dtype(), value.shape(), MemorySegment.ofArray(copy));
    }
  }

  @Override
  public Routing allocateRouting(int tokens, int experts, int chosen, Allocator memory) {
    return new CudaRouting(stream, tokens, experts, chosen, memory);
  }

  @Override
  public void write(int[] values, int count, Tensor target) {
    ring.uploadInts(values, count, target.data().address());
  }

  @Override
  public Optional<Ceilings> measureCeilings() {
    return Optional.empty();
  }

  /// Uploads and steps are calls to the device's thread, which is woken once for all of them.
  @Override
  public void together(Runnable body) {
    device.run(body);
  }

  @Override
  public void step(IntConsumer body) {
    if (group.isPresent()) {
      group.get().run(this, body);
    } else {
      stepHere(0, body);
    }
  }

  /// A step of one device is recorded; those of several meet on the host, and run as they are.
  @Override
  public void step(StepShape shape, IntConsumer body) {
    if (group.isPresent()) {
      step(body);
      return;
    }
    device.run(
        () -> {
          graphs.run(shape, () -> body.accept(0));
          stream.synchronize();
        });
  }

  /// Powers of two, then multiples of 8, then of 32: few recordings, and little that is computed
  /// for nobody.
  @Override
  public int paddedSequences(int sequences) {
    if (sequences <= 8) {
      return sequences <= 1 ? 1 : Integer.highestOneBit(sequences - 1) << 1;
    }
    int unit = sequences <= 64 ? 8 : 32;
    return Math.ceilDiv(sequences, unit) * unit;
  }

  /// Runs this rank's part of a step on its device's thread.
  void stepHere(int rank, IntConsumer body) {
    device.run(
        () -> {
          try {
            body.accept(rank);
            // What fails on the device fails in the step that asked for it.
            link.await(stream);
          } catch (RuntimeException | Error e) {
            link.fail();
            throw e;
          }
        });
  }

  @Override
  public void close() {
    Failures failures = new Failures();
    group.ifPresent(others -> failures.attempt(others::close));
    if (device.isUsable()) {
      failures.attempt(() -> device.run(stream::synchronize));
    }
    failures.attempt(() -> device.run(graphs::close));
    failures.attempt(() -> device.run(kernels::close));
    failures.attempt(scratch::close);
    failures.attempt(ring::close);
    failures.attempt(() -> device.run(set::close));
    failures.attempt(stream::close);
    failures.attempt(device::close);
    failures.rethrow();
  }
}

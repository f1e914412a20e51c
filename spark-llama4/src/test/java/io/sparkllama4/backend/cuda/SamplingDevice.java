package io.sparkllama4.backend.cuda;

import io.sparkllama4.backend.SampleResult;
import io.sparkllama4.backend.SampleRow;
import io.sparkllama4.backend.cuda.ffi.DeviceSegments;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Shape;
import io.sparkllama4.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A sampler on the emulated device, and the way there for rows of the host.
final class SamplingDevice implements AutoCloseable {
  private final EmulatedDriver emulated = EmulatedDriver.fresh();
  private final CudaDevice device;
  private final CudaStream stream;
  private final Scratch scratch;
  private final KernelSet kernels;
  private final CudaSampler sampler;

  SamplingDevice(EmulatedDriver.Schedule schedule) {
    emulated.schedule(schedule, 23);
    emulated.strict(true);
    device = CudaDevice.open(emulated.driver(), 0);
    stream = CudaStream.create(device);
    scratch = new Scratch(device);
    kernels = new KernelSet(device, KernelArchive.open(), KernelTarget.SM_80);
    sampler = new CudaSampler(kernels, stream, scratch);
  }

  List<SampleResult> sample(float[][] logits, List<SampleRow> rows) {
    return sample(logits, rows, null);
  }

  /// Among the tokens that `allowed` has.
  SampleResult sample(float[] logits, SampleRow row, BitSet allowed) {
    int[] words = new int[(logits.length + 31) / 32];
    allowed.stream().forEach(token -> words[token / 32] |= 1 << token);
    return sample(new float[][] {logits}, List.of(row), words).get(0);
  }

  private List<SampleResult> sample(
      float[][] logits, List<SampleRow> rows, int @Nullable [] allowed) {
    int tokens = logits[0].length;
    int[] words = allowed == null ? new int[1] : allowed;
    long rowBytes = (long) Float.BYTES * tokens;
    long maskBytes = (long) Integer.BYTES * words.length;
    try (DeviceMemory memory = DeviceMemory.allocate(device, rowBytes * logits.length);
        DeviceMemory mask = DeviceMemory.allocate(device, maskBytes);
        PinnedRing ring = new PinnedRing(stream, 2, 1 << 16)) {
      for (int r = 0; r < logits.length; r++) {
        ring.upload(MemorySegment.ofArray(logits[r]), memory.address() + rowBytes * r, rowBytes);
      }
      ring.upload(MemorySegment.ofArray(words), mask.address(), maskBytes);
      Tensor tensor =
          new Tensor(
              DType.F32,
              Shape.of(logits.length, tokens),
              DeviceSegments.device(memory.address(), memory.bytes()));
      Tensor bits = new Tensor(DType.I32, Shape.of(1, words.length), mask.segment());
      return device.call(() -> sampler.sample(tensor, rows, allowed == null ? null : bits));
    }
  }

  /// What lives on the device.
  long allocations() {
    return emulated.allocations();
  }

  @Override
  public void close() {
    device.run(
        () -> {
          sampler.close();
          kernels.close();
          scratch.close();
        });
    stream.close();
    device.close();
    if (emulated.allocations() != 0) {
      throw new IllegalStateException(emulated.allocations() + " things were left on the device");
    }
  }
}

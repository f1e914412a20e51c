package io.sparkllama4.backend.cuda;

import io.sparkllama4.backend.MixtureLayer;
import io.sparkllama4.backend.Placement;
import io.sparkllama4.backend.Probe;
import io.sparkllama4.backend.StepBuffers;
import io.sparkllama4.backend.WeightForm;
import io.sparkllama4.backend.check.Finding;
import io.sparkllama4.tensor.Allocator;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.Matrix;
import io.sparkllama4.tensor.NativeArena;
import io.sparkllama4.tensor.Quantization;
import io.sparkllama4.tensor.Tensor;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// A mixture whose weights lie on the device in one form, for products that are measured. Products
/// take the experts in turn, so that no cache holds a matrix from one launch to the next. It is
/// made when it is first needed.
final class SpeedWeights implements AutoCloseable {
  /// Weights as they lie on the device.
  enum Form {
    BF16(DType.BF16, WeightForm.STORED),
    FP8(DType.F8_E4M3, WeightForm.STORED),
    INT8(DType.BF16, WeightForm.INT8),
    INT4(DType.BF16, WeightForm.INT4);

    private final DType stored;
    private final WeightForm form;

    Form(DType stored, WeightForm form) {
      this.stored = stored;
      this.form = form;
    }

    String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /// Signs and mantissas of four brain floats or eight 8-bit floats, and exponents that keep them
  /// near 1: the speed of products may depend on their bits.
  private static final long BF16_BITS = 0x807f_807f_807f_807fL;

  private static final long BF16_EXPONENT = 0x3f00_3f00_3f00_3f00L;
  private static final long FP8_BITS = 0x8787_8787_8787_8787L;
  private static final long FP8_EXPONENT = 0x3030_3030_3030_3030L;

  private final Supplier<CudaBackend> backend;
  private final Form form;
  private final SpeedChecks.Sizes sizes;
  private @Nullable Placed placed;

  SpeedWeights(Supplier<CudaBackend> backend, Form form, SpeedChecks.Sizes sizes) {
    this.backend = backend;
    this.form = form;
    this.sizes = sizes;
  }

  /// What lies on the device.
  private record Placed(Allocator memory, MixtureLayer layer) {}

  private Placed placed() {
    Placed known = placed;
    if (known == null) {
      known = place(backend.get());
      placed = known;
    }
    return known;
  }

  private Placed place(CudaBackend on) {
    Allocator memory = on.allocator();
    try (NativeArena arena = new NativeArena()) {
      SplittableRandom random = new SplittableRandom(5);
      Linear gateUp = Linear.of(matrix(random, arena, 2 * sizes.width(), sizes.hidden()));
      Linear down = Linear.of(matrix(random, arena, sizes.hidden(), sizes.width()));
      Tensor router = arena.allocate(DType.F32, sizes.experts(), sizes.hidden());
      Tensor norm = arena.allocate(DType.F32, sizes.hidden());
      fill(router, random);
      for (int i = 0; i < sizes.hidden(); i++) {
        norm.set(i, 1f);
      }
      Placement all = Placement.replicated();
      List<Linear> gatesUp = new ArrayList<>();
      List<Linear> downs = new ArrayList<>();
      for (int e = 0; e < sizes.experts(); e++) {
        gatesUp.add(on.place(gateUp, all, 2, form.form, memory));
        downs.add(on.place(down, all, 1, form.form, memory));
      }
      Linear placedRouter =
          on.place(Linear.of(Matrix.of(router)), all, 1, WeightForm.EXACT, memory);
      Tensor placedNorm = on.place(norm, memory);
      return new Placed(
          memory, new MixtureLayer(placedNorm, 1e-5f, placedRouter, 1, gatesUp, downs, List.of()));
    } catch (RuntimeException | Error e) {
      new Failures(e).attempt(memory::close);
      throw e;
    }
  }

  private static void fill(Tensor floats, SplittableRandom random) {
    for (long i = 0; i < floats.shape().elements(); i++) {
      floats.set(i, (float) random.nextDouble(-1, 1));
    }
  }

  private Matrix matrix(SplittableRandom random, NativeArena arena, int rows, int columns) {
    boolean isFp8 = form.stored == DType.F8_E4M3;
    Tensor values = arena.allocate(form.stored, rows, columns);
    long words = values.data().byteSize() / Long.BYTES;
    long bits = isFp8 ? FP8_BITS : BF16_BITS;
    long exponent = isFp8 ? FP8_EXPONENT : BF16_EXPONENT;
    for (long i = 0; i < words; i++) {
      long word = (random.nextLong() & bits) | exponent;
      values.data().setAtIndex(ValueLayout.JAVA_LONG, i, word);
    }
    if (!isFp8) {
      return Matrix.of(values);
    }
    Tensor scales = arena.allocate(DType.F32, rows);
    fill(scales, random);
    Quantization scaled = new Quantization.Fp8PerRow(scales);
    return new Matrix(rows, columns, Matrix.Order.OUTPUT_MAJOR, values, scaled);
  }

  /// A product with one matrix `[hidden, width]`.
  Finding product(int rows, SpeedChecks.Measuring measuring) {
    CudaBackend on = backend.get();
    List<Linear> weights = placed().layer().expertDown();
    try (Allocator memory = on.allocator()) {
      Tensor input = memory.allocate(DType.F32, rows, sizes.width());
      Tensor output = memory.allocate(DType.F32, rows, sizes.hidden());
      write(on, input);
      double flops = 2.0 * rows * sizes.width() * sizes.hidden();
      double bytes = weights.getFirst().bytes() + activations(rows);
      return measuring.of(
          on,
          new SpeedChecks.Work(bytes, flops),
          i -> on.kernels().matmul(input, weights.get(i % weights.size()), output));
    }
  }

  private double activations(int rows) {
    return (double) Float.BYTES * rows * (sizes.width() + sizes.hidden());
  }

  /// A whole mixture: norm, router, experts and the way back.
  Finding mixture(int rows, SpeedChecks.Measuring measuring) {
    CudaBackend on = backend.get();
    MixtureLayer layer = placed().layer();
    StepBuffers.Sizes buffered =
        new StepBuffers.Sizes(sizes.hidden(), 8, 8, 8, sizes.experts(), 1, sizes.width(), 8, 0);
    try (Allocator memory = on.allocator();
        StepBuffers buffers = new StepBuffers(on, buffered, rows, 1)) {
      Tensor hidden = memory.allocate(DType.F32, rows, sizes.hidden());
      write(on, hidden);
      on.step(_ -> on.kernels().mixture(hidden, layer, buffers, Probe.NONE));
      long used = Arrays.stream(buffers.routing().experts()).distinct().count();
      double expert =
          layer.expertGateUp().getFirst().bytes() + layer.expertDown().getFirst().bytes();
      double flops = 2.0 * rows * 3 * sizes.width() * sizes.hidden();
      Finding finding =
          measuring.of(
              on,
              new SpeedChecks.Work(used * expert + 2 * activations(rows), flops),
              _ -> on.kernels().mixture(hidden, layer, buffers, Probe.NONE));
      return finding.with("experts_used", (double) used);
    }
  }

  /// Numbers of all signs: zeros would cost the device less power, and so less time.
  private static void write(CudaBackend on, Tensor floats) {
    SplittableRandom random = new SplittableRandom(6);
    int[] bits = new int[Math.toIntExact(floats.shape().elements())];
    Arrays.setAll(bits, _ -> Float.floatToRawIntBits((float) random.nextDouble(-1, 1)));
    on.write(bits, bits.length, new Tensor(DType.I32, floats.shape(), floats.data()));
  }

  @Override
  public void close() {
    Placed known = placed;
    if (known != null) {
      placed = null;
      known.memory().close();
    }
  }
}

package io.sparkllama4.backend.cuda;

import io.sparkllama4.backend.SampleRow;
import io.sparkllama4.backend.check.CheckRun;
import io.sparkllama4.backend.check.DeviceTests;
import io.sparkllama4.backend.check.Finding;
import io.sparkllama4.tensor.Allocator;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Tensor;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.IntConsumer;
import java.util.function.Supplier;

/// How fast kernels are at the widths of a model, by the events of the device, beside the speed of
/// a copy and what the card's data sheet allows.
final class SpeedChecks {
  /// What is measured.
  ///
  /// @param hidden width of the residual stream
  /// @param width of an expert
  /// @param experts of a mixture
  /// @param heads of queries, of 128 elements
  /// @param kvHeads of keys
  /// @param context positions of a sequence
  /// @param sequences that decode
  /// @param vocabulary entries
  /// @param rows of products
  /// @param copyBytes of a copy
  record Sizes(
      int hidden,
      int width,
      int experts,
      int heads,
      int kvHeads,
      int context,
      int sequences,
      int vocabulary,
      List<Integer> rows,
      long copyBytes) {
    /// Those of Llama 4 Scout.
    static final Sizes SCOUT =
        new Sizes(
            5120, 8192, 16, 40, 8, 2048, 64, 202_048, List.of(1, 16, 64, 256, 2048), 1L << 30);

    /// So that every line runs where the processor plays the device.
    static final Sizes SMALL = new Sizes(128, 64, 4, 5, 1, 48, 3, 600, List.of(1, 20), 1L << 20);
  }

  /// What launches do.
  ///
  /// @param bytes that they must read and write at least
  /// @param flops of their products
  record Work(double bytes, double flops) {}

  private static final int NORM_ROWS = 2048;

  /// Fewer rows are bound by the memory, whatever the inputs.
  private static final int FEW_ROWS = 16;

  /// How long launches are timed: short enough for many, long enough for a clock.
  private static final double TIMED_SECONDS = 0.02;

  private static final int MOST_LAUNCHES = 500;
  private static final int ROUNDS = 3;

  private final Supplier<CudaBackend> backend;
  private final Sizes sizes;
  private final Optional<DeviceTests.DataSheet> sheet;
  private Optional<Double> copySpeed;

  /// @param backend on the device, or why there is none
  /// @param sheet of the card, where it is known
  /// @param copySpeed bytes per second of a copy, where one was measured already
  SpeedChecks(
      Supplier<CudaBackend> backend,
      Sizes sizes,
      Optional<DeviceTests.DataSheet> sheet,
      Optional<Double> copySpeed) {
    this.backend = backend;
    this.sizes = sizes;
    this.sheet = sheet;
    this.copySpeed = copySpeed;
  }

  /// Bytes per second of the copy, once it was measured.
  Optional<Double> copySpeed() {
    return copySpeed;
  }

  /// Everything.
  void all(CheckRun run) {
    run.check("copy", this::copy);
    products(run, 0, "");
    run.check("attention_decode", () -> attention(sizes.sequences(), 1));
    run.check("attention_prefill", () -> attention(1, sizes.context()));
    run.check("norm", this::norm);
    run.check("sampling", this::sampling);
  }

  /// Products whose inputs are rounded to one term.
  void rounded(CheckRun run) {
    products(run, FEW_ROWS, "_rounded");
  }

  private void products(CheckRun run, int above, String suffix) {
    for (SpeedWeights.Form form : SpeedWeights.Form.values()) {
      try (SpeedWeights weights = new SpeedWeights(backend, form, sizes)) {
        for (int rows : sizes.rows().stream().filter(r -> r > above).toList()) {
          String name = form.label() + "_" + rows + suffix;
          run.check("products_" + name, () -> weights.product(rows, this::measure));
          run.check("experts_" + name, () -> weights.mixture(rows, this::measure));
        }
      }
    }
  }

  /// Takes the time of launches on the device's thread.
  interface Measuring {
    /// What came of launches that were timed.
    ///
    /// @param work of one launch
    /// @param launch takes its index, so that each may find its data elsewhere
    Finding of(CudaBackend on, Work work, IntConsumer launch);
  }

  private Finding measure(CudaBackend on, Work work, IntConsumer launch) {
    double seconds = seconds(on, launch);
    if (!(seconds > 0)) {
      return Finding.failed("events say that it took " + seconds + " s");
    }
    double bandwidth = work.bytes() / seconds;
    double flops = work.flops() / seconds;
    String text =
        String.format(
            Locale.ROOT,
            "%,.1f us, %,.1f GB/s, %,.2f TFLOP/s",
            seconds * 1e6,
            bandwidth / 1e9,
            flops / 1e12);
    boolean isPossible = sheet.isEmpty() || flops <= sheet.get().bf16Flops();
    Finding finding =
        Finding.that(isPossible, isPossible ? text : text + ": more than the card can do")
            .with("microseconds", seconds * 1e6)
            .with("gb_per_s", bandwidth / 1e9)
            .with("tflop_per_s", flops / 1e12);
    if (copySpeed.isPresent()) {
      finding = finding.with("share_of_copy", bandwidth / copySpeed.get());
    }
    if (sheet.isPresent()) {
      finding =
          finding
              .with("share_of_bandwidth", bandwidth / sheet.get().bytesPerSecond())
              .with("share_of_bf16", flops / sheet.get().bf16Flops());
    }
    return finding;
  }

  /// Seconds of one launch: the median of some rounds.
  private static double seconds(CudaBackend on, IntConsumer launch) {
    CudaDevice device = on.stream().device();
    try (CudaEvent begin = CudaEvent.create(device, true);
        CudaEvent end = CudaEvent.create(device, true)) {
      return device.call(
          () -> {
            time(on.stream(), begin, end, 2, launch);
            double once = time(on.stream(), begin, end, 1, launch);
            double wanted = Math.ceil(TIMED_SECONDS / Math.max(once, 1e-9));
            int launches = (int) Math.clamp(wanted, 1, MOST_LAUNCHES);
            double[] rounds = new double[ROUNDS];
            for (int round = 0; round < ROUNDS; round++) {
              rounds[round] = time(on.stream(), begin, end, launches, launch);
            }
            Arrays.sort(rounds);
            return rounds[ROUNDS / 2];
          });
    }
  }

  private static double time(
      CudaStream stream, CudaEvent begin, CudaEvent end, int launches, IntConsumer launch) {
    begin.record(stream);
    for (int i = 0; i < launches; i++) {
      launch.accept(i);
    }
    end.record(stream);
    end.await();
    return end.millisecondsSince(begin) / 1000 / launches;
  }

  /// Each byte is read and written.
  private Finding copy() {
    CudaBackend on = backend.get();
    CudaDevice device = on.stream().device();
    long bytes = sizes.copyBytes();
    try (DeviceMemory from = DeviceMemory.allocate(device, bytes);
        DeviceMemory to = DeviceMemory.allocate(device, bytes)) {
      device.run(() -> on.stream().fill(from.address(), (byte) 1, bytes));
      Finding finding =
          measure(
              on,
              new Work(2.0 * bytes, 0),
              _ -> on.stream().copy(from.address(), to.address(), bytes));
      Double speed = finding.figures().get("gb_per_s");
      copySpeed = Optional.ofNullable(speed).map(gigabytes -> gigabytes * 1e9);
      boolean isPossible = sheet.isEmpty() || copySpeed.orElse(0.0) <= sheet.get().bytesPerSecond();
      return isPossible
          ? finding
          : Finding.failed("faster than the card's memory: " + finding.text());
    }
  }

  private Finding attention(int sequences, int tokens) {
    CudaBackend on = backend.get();
    try (SpeedAttention attention = new SpeedAttention(on, sizes, sequences, tokens)) {
      return measure(on, attention.work(), _ -> attention.run());
    }
  }

  private Finding norm() {
    CudaBackend on = backend.get();
    try (Allocator memory = on.allocator()) {
      Tensor input = memory.allocate(DType.F32, NORM_ROWS, sizes.hidden());
      Tensor output = memory.allocate(DType.F32, NORM_ROWS, sizes.hidden());
      Tensor weight = memory.allocate(DType.F32, sizes.hidden());
      Work work = new Work(2.0 * input.data().byteSize(), 0);
      return measure(on, work, _ -> on.kernels().rmsNorm(input, weight, 1e-5f, output));
    }
  }

  /// With the way of ids to the host.
  private Finding sampling() {
    CudaBackend on = backend.get();
    try (Allocator memory = on.allocator()) {
      Tensor logits = memory.allocate(DType.F32, sizes.sequences(), sizes.vocabulary());
      SampleRow row = new SampleRow(0.7f, 0, 0.9f, 0, SampleRow.Penalties.NONE, 0.5, new int[0], 0);
      List<SampleRow> rows = Collections.nCopies(sizes.sequences(), row);
      Work work = new Work(logits.data().byteSize(), 0);
      return measure(on, work, _ -> on.kernels().sample(logits, rows));
    }
  }
}

package io.sparkllama4.backend.cpu;

import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Elements;
import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.Matrix;
import io.sparkllama4.tensor.NativeArena;
import io.sparkllama4.tensor.Panels;
import io.sparkllama4.tensor.Tensor;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/// Matrix products that run together: one list of pieces of outputs, taken by all threads. How they
/// are split changes no result. Used from the engine's thread.
final class PanelProducts implements AutoCloseable {
  /// Multiply-adds below which a product is not split: some ten microseconds of one core.
  private static final long SERIAL_PRODUCTS = 1 << 16;

  /// Pieces per thread, so that a thread that was held up leaves its share to the others.
  private static final int PIECES = 12;

  /// Panels that a piece should have at least: so many pass a single row side by side.
  private static final int LEAST_PANELS = 4;

  /// The same where few rows leave the reading of weights as the only cost: each of those side by
  /// side is then read on for several panels, and the memory is not asked anew so often.
  private static final int LEAST_READ_PANELS = 4 * LEAST_PANELS;

  /// Rows that are few in this sense.
  private static final int FEW_ROWS = 2;

  /// Gates, or ups, of a piece: what stays in a second-level cache beside the weights.
  private static final int GATED_FLOATS = 32 * 1024;

  /// Inputs below which another thread is not woken to quantise them.
  private static final long SERIAL_INPUTS = 1 << 13;

  private final CpuPool pool;
  private final PanelMath math;
  private final NativeArena scratch = new NativeArena();
  private final List<Tensor> gates = new ArrayList<>();
  private final List<Piece> pieces = new ArrayList<>();
  private final List<Quantized> quantized = new ArrayList<>();
  private NativeArena inputsArena = new NativeArena();
  private Tensor inputs = inputsArena.allocate(DType.U8, 0);
  private long inputBytes;

  PanelProducts(CpuPool pool, PanelMath math) {
    this.pool = pool;
    this.math = math;
    for (int worker = 0; worker < pool.threads(); worker++) {
      gates.add(scratch.allocate(DType.F32, 2L * GATED_FLOATS));
    }
  }

  /// Rows of inputs that are quantised before the products, once for all that read them.
  ///
  /// @param at where the first row goes
  private record Quantized(Matrix weight, PanelMath.Rows input, long at, long stride) {}

  /// What one thread takes at a time: outputs of panels `first` up to `end` for some rows.
  ///
  /// @param up the second half of a gated product, else the same as `gate`
  private record Piece(
      Linear.Part gate,
      Linear.Part up,
      long first,
      long end,
      Source source,
      PanelMath.Rows output,
      boolean isGated) {

    long panels() {
      return end - first;
    }

    long outputs() {
      return Math.min(gate.weight().rows(), end * Panels.ROWS) - first * Panels.ROWS;
    }

    /// Multiply-adds.
    long cost() {
      return outputs() * gate.weight().columns() * output.count() * (isGated ? 2 : 1);
    }
  }

  /// Where a product's inputs stand: as floats, or quantised from byte `at` on.
  private record Source(PanelMath.Rows floats, boolean isQuantized, long at, long stride) {}

  /// Forgets what was added.
  void clear() {
    pieces.clear();
    quantized.clear();
    inputBytes = 0;
  }

  /// Adds `output[t] = input[t] Wt + bias` for rows `first` up to `end`.
  void add(Tensor input, int first, int end, Linear weight, Tensor output) {
    PanelMath.Rows target = PanelMath.Rows.of(output).slice(first, end);
    long column = 0;
    for (Linear.Part part : weight.parts()) {
      Source source = source(part.weight(), PanelMath.Rows.of(input).slice(first, end));
      split(new Piece(part, part, 0, 0, source, target.from(column), false));
      column += part.weight().rows();
    }
  }

  /// Adds `output[t] = silu(gate input[t]) * up input[t]` for rows `first` up to `end`.
  ///
  /// @param gateUp two parts of as many outputs
  void addGated(Tensor input, int first, int end, Linear gateUp, Tensor output) {
    Linear.Part gate = gateUp.parts().get(0);
    Source source = source(gate.weight(), PanelMath.Rows.of(input).slice(first, end));
    PanelMath.Rows target = PanelMath.Rows.of(output).slice(first, end);
    split(new Piece(gate, gateUp.parts().get(1), 0, 0, source, target, true));
  }

  private Source source(Matrix weight, PanelMath.Rows input) {
    if (!weight.quantization().quantizesInputs()) {
      return new Source(input, false, 0, 0);
    }
    long stride = math.quantizedBytes(weight);
    for (Quantized known : quantized) {
      // Matrices of one kind and width read the same quantised rows.
      if (known.input().address() == input.address()
          && known.input().count() == input.count()
          && known.weight().columns() == weight.columns()
          && known.weight().quantization().getClass() == weight.quantization().getClass()) {
        return new Source(input, true, known.at(), known.stride());
      }
    }
    Quantized added = new Quantized(weight, input, inputBytes, stride);
    quantized.add(added);
    inputBytes += stride * input.count();
    return new Source(input, true, added.at(), stride);
  }

  private void split(Piece all) {
    Matrix weight = all.gate().weight();
    long panels = Panels.count(weight.rows());
    int rows = all.output().count();
    long products = weight.rows() * weight.columns() * rows;
    long step = panels;
    if (products >= SERIAL_PRODUCTS) {
      step = Math.ceilDiv(panels, (long) PIECES * pool.threads());
      if (rows <= FEW_ROWS) {
        step = Math.max(step, Math.min(LEAST_READ_PANELS, Math.ceilDiv(panels, pool.threads())));
      }
      step = Panels.roundUp(step, LEAST_PANELS);
    }
    if (!all.isGated()) {
      cut(all, panels, step);
      return;
    }
    // The piece's gates and ups stay in scratch memory, whose size bounds its rows and panels.
    int mostRows = GATED_FLOATS / Panels.ROWS;
    for (int row = 0; row < rows; row += mostRows) {
      int end = Math.min(rows, row + mostRows);
      Source source = all.source();
      Source part =
          new Source(
              source.floats().slice(row, end),
              source.isQuantized(),
              source.at() + row * source.stride(),
              source.stride());
      Piece some = new Piece(all.gate(), all.up(), 0, 0, part, all.output().slice(row, end), true);
      cut(some, panels, Math.min(step, GATED_FLOATS / (Panels.ROWS * (end - row))));
    }
  }

  private void cut(Piece all, long panels, long step) {
    for (long panel = 0; panel < panels; panel += step) {
      pieces.add(
          new Piece(
              all.gate(),
              all.up(),
              panel,
              Math.min(panels, panel + step),
              all.source(),
              all.output(),
              all.isGated()));
    }
  }

  /// Computes everything that was added.
  void run() {
    quantizeInputs();
    // The largest first, so that the last to be taken are short.
    pieces.sort(Comparator.comparingLong(Piece::cost).reversed());
    pool.run(pieces.size(), (i, worker) -> compute(pieces.get(i), worker));
  }

  private void quantizeInputs() {
    if (quantized.isEmpty()) {
      return;
    }
    if (inputs.size(0) < inputBytes) {
      inputsArena.close();
      inputsArena = new NativeArena();
      inputs = inputsArena.allocate(DType.U8, inputBytes);
    }
    for (Quantized some : quantized) {
      int rows = some.input().count();
      int tasks =
          rows * some.weight().columns() < SERIAL_INPUTS ? 1 : Math.min(rows, 4 * pool.threads());
      pool.run(
          tasks,
          (task, worker) -> {
            int first = (int) ((long) task * rows / tasks);
            int end = (int) ((task + 1L) * rows / tasks);
            PanelMath.Rows target =
                new PanelMath.Rows(inputs.data(), some.at(), some.stride(), rows);
            math.quantize(some.weight(), some.input().slice(first, end), target.slice(first, end));
          });
    }
  }

  private void compute(Piece piece, int worker) {
    Source source = piece.source();
    PanelMath.Rows input =
        source.isQuantized()
            ? new PanelMath.Rows(
                inputs.data(), source.at(), source.stride(), piece.output().count())
            : source.floats();
    long column = piece.first() * Panels.ROWS;
    PanelMath.Rows target = piece.output().from(column);
    if (!piece.isGated()) {
      product(piece.gate(), piece, input, target, worker);
      return;
    }
    long stride = 4L * Panels.ROWS * piece.panels();
    Tensor memory = gates.get(worker);
    PanelMath.Rows gate = new PanelMath.Rows(memory.data(), 0, stride, input.count());
    PanelMath.Rows up = new PanelMath.Rows(memory.data(), 4L * GATED_FLOATS, stride, input.count());
    product(piece.gate(), piece, input, gate, worker);
    product(piece.up(), piece, input, up, worker);
    math.swiGlu(gate, up, piece.outputs(), target);
  }

  private void product(
      Linear.Part part, Piece piece, PanelMath.Rows input, PanelMath.Rows output, int worker) {
    math.product(part.weight(), piece.first(), piece.outputs(), input, output, worker);
    if (!part.hasBias()) {
      return;
    }
    for (int row = 0; row < output.count(); row++) {
      long at = output.at() + row * output.stride();
      for (long i = 0; i < piece.outputs(); i++) {
        float biased =
            output.data().get(Elements.FLOAT, at + 4 * i)
                + part.bias().decode(piece.first() * Panels.ROWS + i);
        output.data().set(Elements.FLOAT, at + 4 * i, biased);
      }
    }
  }

  @Override
  public void close() {
    inputsArena.close();
    scratch.close();
  }
}

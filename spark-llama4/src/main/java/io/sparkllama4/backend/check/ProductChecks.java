package io.sparkllama4.backend.check;

import io.sparkllama4.backend.GatedMlp;
import io.sparkllama4.backend.Placement;
import io.sparkllama4.backend.StepBuffers;
import io.sparkllama4.backend.WeightForm;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.Matrix;
import io.sparkllama4.tensor.NativeArena;
import io.sparkllama4.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// Products with weights of every form, and that no row's bits depend on how many share them.
final class ProductChecks {
  /// Outputs and inputs: strips, blocks and splits that are not full, and some that are.
  private static final int[][] SIZES = {
    {1, 1}, {16, 64}, {17, 72}, {50, 31}, {33, 264}, {40, 512}, {10, 2100}
  };

  /// Widths and inputs of gated networks.
  private static final int[][] GATED_SIZES = {{40, 72}, {130, 264}};

  /// The most last: the others are its first rows.
  private static final int[] ROWS = {1, 16, 17, 70};

  /// Weights as they are stored and as they are computed with.
  record Form(RandomValues.Stored stored, WeightForm form) {
    String label() {
      return (stored + (form == WeightForm.STORED ? "" : "_as_" + form)).toLowerCase(Locale.ROOT);
    }
  }

  /// All that the device packs in its own way.
  static final List<Form> FORMS =
      List.of(
          new Form(RandomValues.Stored.F32, WeightForm.STORED),
          new Form(RandomValues.Stored.F16, WeightForm.STORED),
          new Form(RandomValues.Stored.BF16, WeightForm.STORED),
          new Form(RandomValues.Stored.BF16_INPUT_MAJOR, WeightForm.STORED),
          new Form(RandomValues.Stored.FP8, WeightForm.STORED),
          new Form(RandomValues.Stored.INT4, WeightForm.STORED),
          new Form(RandomValues.Stored.BF16, WeightForm.INT8),
          new Form(RandomValues.Stored.BF16, WeightForm.INT4),
          new Form(RandomValues.Stored.BF16_INPUT_MAJOR, WeightForm.INT4),
          new Form(RandomValues.Stored.F32, WeightForm.INT4_GROUP_128),
          new Form(RandomValues.Stored.F16, WeightForm.EXACT));

  /// One of each that has kernels of its own.
  static final List<Form> KERNEL_FORMS =
      List.of(
          new Form(RandomValues.Stored.F32, WeightForm.STORED),
          new Form(RandomValues.Stored.BF16, WeightForm.STORED),
          new Form(RandomValues.Stored.FP8, WeightForm.STORED),
          new Form(RandomValues.Stored.BF16, WeightForm.INT8),
          new Form(RandomValues.Stored.INT4, WeightForm.STORED));

  private ProductChecks() {}

  /// Weights where a backend reads them; on the plain one as floats of the same values: its own
  /// products with few bits round inputs as well.
  static Linear place(Subject subject, Linear stored, int parts, WeightForm form, RandomValues on) {
    boolean isMade = form != WeightForm.STORED && form != WeightForm.EXACT;
    Placement all = Placement.replicated();
    if (!subject.isPlain()) {
      return subject.backend().place(stored, all, parts, form, subject.memory());
    }
    return widened(
        isMade ? subject.backend().place(stored, all, parts, form, subject.memory()) : stored,
        on.arena());
  }

  private static Linear widened(Linear layer, NativeArena arena) {
    List<Linear.Part> parts = new ArrayList<>();
    for (Linear.Part part : layer.parts()) {
      Matrix matrix = part.weight();
      Tensor wide = arena.allocate(DType.F32, matrix.rows(), matrix.columns());
      for (long row = 0; row < matrix.rows(); row++) {
        for (long i = 0; i < matrix.columns(); i++) {
          wide.set(row * matrix.columns() + i, matrix.weight(row, i));
        }
      }
      parts.add(new Linear.Part(Matrix.of(wide), part.bias()));
    }
    return new Linear(parts);
  }

  static void products(Form form, Pair pair, Comparison comparison) {
    for (int[] size : SIZES) {
      Linear stored = pair.random().linear(form.stored(), size[0], size[1]);
      Linear placed = place(pair.device(), stored, 2, form.form(), pair.random());
      Linear plain = place(pair.plain(), stored, 2, form.form(), pair.random());
      Linear magnitudes = magnitudes(plain, pair.random().arena());
      int most = ROWS[ROWS.length - 1];
      Tensor input = pair.random().floats(most, size[1]);
      Tensor sizes = magnitudes(input, pair.random().arena());
      Tensor expected = pair.expected(subject -> product(subject, input, plain));
      Tensor bounds = pair.expected(subject -> product(subject, sizes, magnitudes));
      Tensor all = pair.found(subject -> product(subject, input, placed));
      // Weights of floats lie on the device as two brain floats.
      double tolerance = form.form() == WeightForm.EXACT ? 2e-5 : pair.tolerance(4e-5, 0x1p-8);
      String what = form.label() + " [" + size[0] + ", " + size[1] + "]";
      for (long i = 0; i < expected.shape().elements(); i++) {
        double bound = tolerance * bounds.at(i) + 1e-30;
        comparison.number(what, i, all.at(i), expected.at(i), bound);
      }
      for (int rows : ROWS) {
        Tensor few = pair.found(subject -> product(subject, input.rows(rows), placed));
        comparison.bits(what + ", bits of " + rows + " rows", few, all.rows(rows));
      }
    }
  }

  private static Tensor product(Subject subject, Tensor input, Linear layer) {
    Tensor from = subject.floats(input);
    Tensor output = subject.room(input.rows(), layer.outputs());
    subject.run(kernels -> kernels.matmul(from, layer, output));
    return output;
  }

  private static Linear magnitudes(Linear layer, NativeArena arena) {
    return new Linear(
        layer.parts().stream()
            .map(
                part ->
                    new Linear.Part(
                        Matrix.of(magnitudes(part.weight().values(), arena)),
                        part.hasBias() ? magnitudes(part.bias(), arena) : Linear.NO_BIAS))
            .toList());
  }

  private static Tensor magnitudes(Tensor values, NativeArena arena) {
    Tensor magnitudes = arena.allocate(DType.F32, values.shape().sizes());
    for (long i = 0; i < values.shape().elements(); i++) {
      magnitudes.set(i, Math.abs(values.decode(i)));
    }
    return magnitudes;
  }

  /// Gate, up and down as one network.
  static void gated(Form form, Pair pair, Comparison comparison) {
    for (int[] size : GATED_SIZES) {
      Linear gateUp = Linear.of(pair.random().matrix(form.stored(), 2 * size[0], size[1]));
      Linear down = Linear.of(pair.random().matrix(form.stored(), size[1], size[0]));
      GatedMlp placed = gated(pair.device(), gateUp, down, form.form(), pair.random());
      GatedMlp plain = gated(pair.plain(), gateUp, down, form.form(), pair.random());
      Tensor input = pair.random().floats(ROWS[ROWS.length - 1], size[1]);
      Tensor expected = pair.expected(subject -> network(subject, input, plain));
      Tensor all = pair.found(subject -> network(subject, input, placed));
      String what = form.label() + " width " + size[0];
      comparison.besideLargest(what, all, expected, pair.tolerance(1e-4, 3e-2));
      for (int rows : ROWS) {
        Tensor few = pair.found(subject -> network(subject, input.rows(rows), placed));
        comparison.bits(what + ", bits of " + rows + " rows", few, all.rows(rows));
      }
    }
  }

  static GatedMlp gated(
      Subject subject, Linear gateUp, Linear down, WeightForm form, RandomValues on) {
    return new GatedMlp(place(subject, gateUp, 2, form, on), place(subject, down, 1, form, on));
  }

  private static Tensor network(Subject subject, Tensor input, GatedMlp mlp) {
    Tensor from = subject.floats(input);
    Tensor output = subject.room(input.rows(), input.rowElements());
    int hidden = Math.toIntExact(input.rowElements());
    StepBuffers.Sizes sizes = new StepBuffers.Sizes(hidden, 8, 8, mlp.width(), 0, 0, 0, 8, 0);
    try (StepBuffers buffers = new StepBuffers(subject.backend(), sizes, input.rows(), 1)) {
      subject.run(kernels -> kernels.gatedMlp(from, mlp, buffers, output));
    }
    return output;
  }
}

package io.sparkllama4.backend.check;

import io.sparkllama4.backend.Backend;
import io.sparkllama4.backend.GatedMlp;
import io.sparkllama4.backend.MixtureLayer;
import io.sparkllama4.backend.Probe;
import io.sparkllama4.backend.Routing;
import io.sparkllama4.backend.Span;
import io.sparkllama4.backend.StepBuffers;
import io.sparkllama4.backend.WeightForm;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.Matrix;
import io.sparkllama4.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Mixtures of experts: routing, grouped products and the way back, with experts that no row, one
/// and all of them go to.
final class MixtureChecks {
  private static final int HIDDEN = 72;

  /// A mixture.
  ///
  /// @param tokens of the step
  /// @param experts of the router
  /// @param held those that are here
  /// @param chosen of a token
  /// @param width of an expert
  /// @param shared width of the shared expert, 0 for none
  /// @param favoured the expert that all tokens prefer, -1 for none
  private record Shape(
      int tokens, int experts, Span held, int chosen, int width, int shared, int favoured) {}

  private static final List<Shape> SHAPES =
      List.of(
          new Shape(1, 4, Span.all(4), 1, 48, 48, -1),
          new Shape(7, 4, Span.all(4), 1, 40, 40, 2),
          new Shape(33, 6, Span.all(6), 2, 48, 48, 0),
          new Shape(65, 3, Span.all(3), 3, 24, 16, -1),
          new Shape(300, 5, Span.all(5), 1, 48, 0, -1),
          new Shape(100, 128, Span.all(128), 1, 16, 16, -1),
          new Shape(40, 8, new Span(2, 5), 2, 48, 24, 7),
          new Shape(20, 8, new Span(6, 8), 1, 48, 48, 0));

  private MixtureChecks() {}

  /// Weights as they are stored.
  private record Stored(
      Tensor hidden,
      Tensor norm,
      Tensor router,
      List<Linear> gateUp,
      List<Linear> down,
      List<Linear> shared) {

    static Stored random(Shape shape, RandomValues.Stored form, RandomValues random) {
      Tensor router = random.floats(shape.experts(), HIDDEN);
      Tensor hidden = random.floats(shape.tokens(), HIDDEN);
      if (shape.favoured() >= 0) {
        for (long i = 0; i < hidden.shape().elements(); i++) {
          hidden.set(i, Math.abs(hidden.at(i)));
        }
        for (int i = 0; i < HIDDEN; i++) {
          router.set((long) shape.favoured() * HIDDEN + i, 3f);
        }
      }
      List<Linear> gateUp = new ArrayList<>();
      List<Linear> down = new ArrayList<>();
      for (int e = 0; e < shape.held().count(); e++) {
        gateUp.add(Linear.of(random.matrix(form, 2 * shape.width(), HIDDEN)));
        down.add(Linear.of(random.matrix(form, HIDDEN, shape.width())));
      }
      List<Linear> shared = new ArrayList<>();
      if (shape.shared() > 0) {
        shared.add(Linear.of(random.matrix(form, 2 * shape.shared(), HIDDEN)));
        shared.add(Linear.of(random.matrix(form, HIDDEN, shape.shared())));
      }
      Tensor norm = random.floats(HIDDEN);
      for (int i = 0; i < HIDDEN; i++) {
        // So that the favoured expert stays so behind the norm.
        norm.set(i, 1 + Math.abs(norm.at(i)));
      }
      return new Stored(hidden, norm, router, gateUp, down, shared);
    }

    /// The layer where a backend reads it.
    MixtureLayer place(Subject subject, Shape shape, WeightForm form, RandomValues on) {
      Linear placedRouter =
          ProductChecks.place(subject, Linear.of(Matrix.of(router)), 1, WeightForm.EXACT, on);
      List<GatedMlp> networks =
          shared.isEmpty()
              ? List.of()
              : List.of(
                  ProductChecks.gated(subject, shared.getFirst(), shared.getLast(), form, on));
      return new MixtureLayer(
          subject.floats(norm),
          1e-5f,
          placedRouter,
          shape.chosen(),
          gateUp.stream().map(w -> ProductChecks.place(subject, w, 2, form, on)).toList(),
          down.stream().map(w -> ProductChecks.place(subject, w, 1, form, on)).toList(),
          networks,
          shape.held().first());
    }
  }

  /// Keeps whom the router chose.
  private record Choices(List<int[]> seen) implements Probe {
    @Override
    public void see(String name, Tensor value) {
      // Values are compared behind the layer.
    }

    @Override
    public void see(String name, Routing routing) {
      seen.add(routing.experts());
    }
  }

  static void mixtures(ProductChecks.Form form, Pair pair, Comparison comparison) {
    for (Shape shape : SHAPES) {
      Stored stored = Stored.random(shape, form.stored(), pair.random());
      List<int[]> choices = new ArrayList<>();
      Tensor found =
          pair.found(s -> mixture(s, stored, shape, form.form(), pair.random(), choices));
      Tensor expected =
          pair.expected(s -> mixture(s, stored, shape, form.form(), pair.random(), choices));
      String what = form.label() + " " + shape;
      comparison.that(
          what + " has the same choices", Arrays.equals(choices.getFirst(), choices.getLast()));
      comparison.besideLargest(what, found, expected, pair.tolerance(1e-4, 3e-2));
    }
  }

  private static Tensor mixture(
      Subject subject,
      Stored stored,
      Shape shape,
      WeightForm form,
      RandomValues on,
      List<int[]> choices) {
    MixtureLayer layer = stored.place(subject, shape, form, on);
    Tensor hidden = subject.floats(stored.hidden());
    int widest = Math.max(shape.shared(), shape.width());
    StepBuffers.Sizes sizes =
        new StepBuffers.Sizes(
            HIDDEN, 8, 8, widest, shape.experts(), shape.chosen(), shape.width(), 16, 0);
    try (StepBuffers buffers = new StepBuffers(subject.backend(), sizes, shape.tokens(), 1)) {
      subject.run(kernels -> kernels.mixture(hidden, layer, buffers, new Choices(choices)));
    }
    return hidden;
  }

  /// The kernels of a mixture one by one, with logits that are equal.
  static void single(Pair pair, Comparison comparison) {
    Shape shape = new Shape(50, 7, new Span(1, 6), 2, 40, 0, -1);
    Stored stored = Stored.random(shape, RandomValues.Stored.BF16, pair.random());
    Tensor logits = pair.random().floats(50, 7);
    for (int t = 0; t < 50; t += 3) {
      // The lower index comes first.
      logits.set(7L * t + 2, 5f);
      logits.set(7L * t + 4, 5f);
    }
    Tensor[] found = single(pair.device(), stored, shape, logits, pair.random());
    Tensor[] expected = single(pair.plain(), stored, shape, logits, pair.random());
    for (int i = 0; i < found.length; i++) {
      String what = List.of("gathered", "products", "activated", "scattered").get(i);
      Tensor read = pair.device().read(found[i]);
      comparison.besideLargest(what, read, expected[i], pair.tolerance(1e-4, 3e-2));
    }
  }

  private static Tensor[] single(
      Subject subject, Stored stored, Shape shape, Tensor logits, RandomValues on) {
    Backend backend = subject.backend();
    MixtureLayer layer = stored.place(subject, shape, WeightForm.STORED, on);
    int rows = shape.tokens() * shape.chosen();
    Tensor hidden = subject.floats(stored.hidden());
    Tensor placedLogits = subject.floats(logits);
    Tensor gathered = subject.room(rows, HIDDEN);
    Tensor gateUp = subject.memory().allocate(DType.F32, rows, 2L * shape.width());
    Tensor activated = subject.room(rows, shape.width());
    Tensor scattered = subject.room(shape.tokens(), shape.width());
    Routing routing =
        backend.allocateRouting(shape.tokens(), shape.experts(), shape.chosen(), subject.memory());
    subject.run(
        kernels -> {
          kernels.route(placedLogits, shape.chosen(), shape.held(), routing);
          kernels.gatherRows(hidden, routing, gathered);
          kernels.groupedMatmul(gathered, routing, layer.expertGateUp(), gateUp);
          kernels.swiGlu(gateUp, activated);
          kernels.scatterAdd(activated, routing, scattered);
        });
    return new Tensor[] {gathered, gateUp, activated, scattered};
  }
}

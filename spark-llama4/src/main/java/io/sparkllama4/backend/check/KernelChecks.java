package io.sparkllama4.backend.check;

import io.sparkllama4.backend.Backend;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.NativeArena;
import java.util.List;
import java.util.function.Supplier;

/// Compares all that the kernels of a backend do with the plain loops of another, at sizes that
/// fill no tile.
public final class KernelChecks {
  private final Supplier<Backend> device;
  private final Backend specification;
  private final int terms;

  /// @param device gives the backend that is checked, or fails
  /// @param specification a backend of plain loops
  /// @param terms of brain floats that the device makes of an input of a product: 1 or 2
  public KernelChecks(Supplier<Backend> device, Backend specification, int terms) {
    this.device = device;
    this.specification = specification;
    this.terms = terms;
  }

  /// What one check compares.
  private interface Body {
    void compare(Pair pair, Comparison comparison);
  }

  private void check(CheckRun run, String name, Body body) {
    run.check(
        name + (terms == 1 ? "_rounded" : ""),
        () -> {
          Backend backend = device.get();
          Comparison comparison = new Comparison();
          try (NativeArena arena = new NativeArena();
              Subject found = new Subject(backend, false);
              Subject plain = new Subject(specification, true)) {
            RandomValues random = new RandomValues(name.hashCode(), arena);
            body.compare(new Pair(found, plain, random, terms), comparison);
          }
          return comparison.finding();
        });
  }

  /// Everything.
  public void all(CheckRun run) {
    rows(run);
    products(run);
  }

  /// What takes and gives float32 alone.
  private void rows(CheckRun run) {
    check(run, "embedding", RowChecks::embed);
    check(run, "norm", RowChecks::norm);
    check(run, "addition", RowChecks::add);
    check(run, "selected_rows", RowChecks::select);
    check(run, "swiglu", RowChecks::swiGlu);
    check(run, "heads", RowChecks::heads);
    check(run, "cache_bf16", (pair, to) -> RowChecks.cache(DType.BF16, pair, to));
    check(run, "cache_fp8", (pair, to) -> RowChecks.cache(DType.F8_E4M3, pair, to));
    check(run, "sampling", SampleChecks::rows);
    check(run, "sampling_edges", SampleChecks::edges);
    check(run, "mixture_step_by_step", MixtureChecks::single);
  }

  /// What takes inputs in brain floats: every form of weights where inputs are exact, and each that
  /// has kernels of its own where they are rounded.
  public void products(CheckRun run) {
    List<ProductChecks.Form> forms = terms == 1 ? ProductChecks.KERNEL_FORMS : ProductChecks.FORMS;
    for (ProductChecks.Form form : forms) {
      check(run, "products_" + form.label(), (pair, to) -> ProductChecks.products(form, pair, to));
    }
    for (ProductChecks.Form form : ProductChecks.KERNEL_FORMS) {
      check(run, "gated_" + form.label(), (pair, to) -> ProductChecks.gated(form, pair, to));
      check(run, "mixture_" + form.label(), (pair, to) -> MixtureChecks.mixtures(form, pair, to));
    }
    for (AttentionChecks.Case shape : AttentionChecks.CASES) {
      check(
          run,
          "attention_" + shape.label(),
          (pair, to) -> AttentionChecks.attention(shape, pair, to));
    }
  }
}

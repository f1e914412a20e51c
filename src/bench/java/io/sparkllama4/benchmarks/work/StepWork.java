package io.sparkllama4.benchmarks.work;

import io.sparkllama4.backend.AttentionSpec;
import io.sparkllama4.model.LayerSpec;
import io.sparkllama4.runtime.plan.GpuType;
import io.sparkllama4.runtime.plan.WeightDtype;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/// What the kernels of a step move and compute on one GPU, from the sizes of their launches as the
/// backend makes them.
///
/// Activations are counted as memory traffic, though many stay in the device's cache. A matrix that
/// the cache does not hold is read again for every wave of blocks.
final class StepWork {
  private static final int FLOAT = 4;
  private static final int BF16 = 2;

  /// Products and sums in float32 of an H100 SXM, by its data sheet.
  private static final double FLOATS_PER_SECOND = 67e12;

  /// Rows of the two kinds of tiles.
  private static final int FEW = 16;

  private static final int MANY = 64;

  /// Blocks that fill a device, and most splits: as in `Products`.
  private static final int ENOUGH_BLOCKS = 256;

  private static final int MOST_SPLITS = 8;

  private final StepCase of;
  private final AttentionSpec attention;
  private final List<Entry> entries = new ArrayList<>();
  private final double hidden;
  private final double rows;

  /// Bytes of an element of a packed row: one or two brain floats.
  private final double packed;

  /// What a kernel does in all layers of a step.
  ///
  /// @param kernel its name, or that of what it computes
  /// @param launches how often it is launched
  /// @param bytes from and to the memory of the device
  /// @param loads bytes that blocks load, from the cache where others have loaded them before
  /// @param flops products and sums, those of padding included
  /// @param onTensorCores whether they are the tensor cores'
  record Entry(
      String kernel,
      long launches,
      double bytes,
      double loads,
      double flops,
      boolean onTensorCores) {
    /// Seconds at the rates of `card`, of its memory or its units, whichever is longer.
    double seconds(GpuType card) {
      double rate = onTensorCores ? card.bf16Flops() : FLOATS_PER_SECOND;
      return Math.max(bytes / card.bytesPerSecond(), flops / rate);
    }
  }

  /// A form of weights.
  ///
  /// @param kernel its name in those of kernels
  /// @param bytes of a weight, scales of groups included
  private record Form(String kernel, double bytes) {}

  private static final Form WIDE = new Form("bf16", BF16);

  private StepWork(StepCase of) {
    this.of = of;
    this.attention = of.attention();
    this.hidden = of.spec().hidden();
    this.rows = of.rows();
    this.packed = (double) BF16 * of.terms();
  }

  /// The kernels of a step, in the order of their first launch.
  static List<Entry> of(StepCase step) {
    StepWork work = new StepWork(step);
    work.attention();
    work.mixtures();
    work.denseLayers();
    work.head();
    return List.copyOf(work.entries);
  }

  private void add(String kernel, long launches, double bytes, double flops) {
    entries.add(
        new Entry(kernel, launches, launches * bytes, launches * bytes, launches * flops, false));
  }

  /// A kernel of the tensor cores that loads nothing twice.
  private void addTensor(String kernel, long launches, double bytes, double flops) {
    entries.add(
        new Entry(kernel, launches, launches * bytes, launches * bytes, launches * flops, true));
  }

  private void add(String kernel, long launches, Tiling tiling, double flops) {
    entries.add(
        new Entry(
            kernel,
            launches,
            launches * tiling.bytes(),
            launches * tiling.loads(),
            launches * flops,
            true));
  }

  private Form experts() {
    return switch (of.request().weights()) {
      case BF16 -> WIDE;
      case FP8 -> new Form("e4m3", 1);
      // A scale in bf16 for every 128 inputs.
      case INT4, INT4_ALL -> new Form("int4", 0.5 + (double) BF16 / 128);
    };
  }

  private Form projections() {
    return of.request().weights() == WeightDtype.INT4 ? WIDE : experts();
  }

  private static double padded(double rows, int tile) {
    return Math.ceil(rows / tile) * tile;
  }

  private void norm(String where, long launches, boolean isPacked) {
    add("rms_norm, " + where, launches, rows * hidden * (2 * FLOAT + (isPacked ? packed : 0)), 0);
  }

  private void addRows(long launches, int addends) {
    add("add_rows", launches, rows * hidden * FLOAT * (addends + 2), 0);
  }

  /// A product of all rows with a matrix of `outputs` times `inputs`.
  private void product(String what, long launches, Form form, double outputs, double inputs) {
    product(what, launches, form, outputs, inputs, rows);
  }

  private void product(
      String what, long launches, Form form, double outputs, double inputs, double count) {
    int tile = count <= FEW ? FEW : MANY;
    double tiles = Math.ceil(count / tile);
    int splits = splits(form, outputs, inputs);
    double columns = Math.ceil(outputs / FEW / strips(form, tile, false));
    boolean sideBySide = splits > 1 && columns * tiles < ENOUGH_BLOCKS;
    double output = FLOAT * count * outputs;
    add(
        "matmul_" + form.kernel() + "_" + tile + ", " + what,
        launches,
        new Tiling(
            form.bytes() * outputs * inputs,
            packed * count * inputs,
            (sideBySide ? splits : 1) * output,
            columns,
            tiles,
            tiles),
        2 * of.terms() * padded(count, tile) * outputs * inputs);
    if (sideBySide) {
      add("matmul_finish, " + what, launches, (splits + 1) * output, splits * count * outputs);
    }
  }

  /// Strips of 16 outputs that a block makes.
  private static int strips(Form form, int tile, boolean isGated) {
    return tile == FEW || isGated || form.kernel().equals("int4") ? 4 : 8;
  }

  /// As `Products.splits`.
  private static int splits(Form form, double outputs, double inputs) {
    int unit =
        switch (form.kernel()) {
          case "bf16" -> 64;
          case "int4" -> 256;
          default -> 128;
        };
    int blocks = (int) Math.ceil(outputs / FEW / 4);
    return Math.clamp(
        Math.min(ENOUGH_BLOCKS / blocks, (int) Math.ceil(inputs / unit) / 4), 1, MOST_SPLITS);
  }

  private void attention() {
    long layers = of.spec().layers().size();
    int ranks = of.ranks();
    double keyHeads = Math.ceil((double) attention.kvHeads() / ranks);
    double group = (double) attention.heads() / attention.kvHeads();
    double dim = attention.headDim();
    double queries = keyHeads * group * dim;
    double keys = keyHeads * dim;
    add("embed", 1, rows * hidden * FLOAT, 0);
    norm("attention", layers, true);
    product("queries", layers, projections(), queries, hidden);
    product("keys and values", 2 * layers, projections(), keys, hidden);
    // Layers without rotation change queries alone, by their temperature.
    long rotated = of.spec().layers().stream().filter(l -> l.attention().usesRope()).count();
    add("shape_heads, queries", layers, 2 * FLOAT * rows * queries, 0);
    add("shape_heads, keys", rotated, 2 * FLOAT * rows * keys, 0);
    add("store_kv", layers, 2 * rows * keys * (FLOAT + 1), 0);
    attend(layers, keyHeads, group, dim);
    add("pack_rows", layers, rows * queries * (FLOAT + packed), 0);
    product("attention's output", layers, projections(), hidden, queries);
    exchange(layers);
    addRows(layers, 1);
  }

  private void attend(long layers, double keyHeads, double group, double dim) {
    double heads = keyHeads * group;
    double twice = 2 * of.terms() * 2;
    if (of.generates()) {
      int context = of.request().context();
      // A tile has 16 rows, whatever the group; each split of 256 positions leaves its sums.
      double sums = FLOAT * rows * heads * Math.ceil(context / 256.0) * (dim + 2);
      addTensor(
          "attend_decode_e4m3_" + (int) dim,
          layers,
          2 * rows * context * keyHeads * dim + FLOAT * rows * heads * dim + sums,
          twice * of.pairs() * keyHeads * FEW * dim);
      add("attend_combine", layers, sums + FLOAT * rows * heads * dim, 0);
    } else {
      // Positions are taken in granules of 32, which the diagonal cuts.
      double granules = of.pairs() + rows * 16;
      addTensor(
          "attend_prefill_e4m3_" + (int) dim,
          layers,
          2 * rows * keyHeads * dim + 2 * FLOAT * rows * heads * dim,
          twice * granules * heads * dim);
    }
  }

  /// Partial sums to the other ranks, by copies and a kernel that adds.
  private void exchange(long launches) {
    int ranks = of.ranks();
    if (ranks > 1) {
      // A part of the rows from each, added here, and given to each.
      add("sum_ranks", launches, FLOAT * rows * hidden * (ranks + 1) / ranks, rows * hidden);
      add("copies to peers", launches, 2 * FLOAT * rows * hidden * (ranks - 1) / ranks, 0);
    }
  }

  private void mixtures() {
    long layers = of.layers(LayerSpec.Mixture.class);
    LayerSpec.Mixture mixture =
        of.spec().layers().stream()
            .map(LayerSpec::feedForward)
            .filter(LayerSpec.Mixture.class::isInstance)
            .map(LayerSpec.Mixture.class::cast)
            .findFirst()
            .orElseThrow();
    double all = mixture.experts();
    double here = Math.ceil(all / of.ranks());
    norm("mixtures", layers, true);
    add(
        "matmul_float, router",
        layers,
        FLOAT * (all * hidden + rows * hidden + rows * all),
        2 * rows * all * hidden);
    add("route_choose", layers, FLOAT * rows * all, 0);
    double choices = rows * mixture.chosen();
    add("route_order", layers, 6 * FLOAT * choices, 0);
    // Each expert is equally likely; the mean of rows, and of experts that have any.
    double met = here * (1 - Math.pow(1 - mixture.chosen() / all, rows));
    double routed = choices * here / all;
    double width = mixture.expertWidth();
    // With one rank the shared expert is one more group of the same products.
    boolean isTogether = of.ranks() == 1 && mixture.sharedWidth() == mixture.expertWidth();
    double typical = routed + (isTogether ? rows : 0);
    int tile = typical <= FEW * (here + (isTogether ? 1 : 0)) ? FEW : MANY;
    // An expert's last tile is half empty on average.
    double tiles = Math.max(met, routed / tile + met / 2);
    if (isTogether) {
      tiles += Math.ceil(rows / tile);
      met += 1;
    }
    grouped(layers, new Groups(tile, met, tiles, routed + (isTogether ? rows : 0)), width);
    add("scatter_add", layers, FLOAT * hidden * (routed + rows), 0);
    exchange(layers);
    if (isTogether) {
      addRows(layers, 2);
    } else {
      gated("shared", layers, mixture.sharedWidth() / (double) of.ranks());
      exchange(layers);
      addRows(2 * layers, 1);
    }
  }

  /// Groups of rows that share a matrix.
  ///
  /// @param tile rows of a tile
  /// @param count of those that have any rows
  /// @param tiles of all
  /// @param rows of all
  private record Groups(int tile, double count, double tiles, double rows) {}

  private void grouped(long layers, Groups groups, double width) {
    Form form = experts();
    int tile = groups.tile();
    double count = groups.rows();
    double tiles = groups.tiles();
    double each = tiles / groups.count();
    double computed = tiles * tile;
    double matrices = form.bytes() * groups.count() * width * hidden;
    add(
        "matmul_gated_" + form.kernel() + "_" + tile + ", experts",
        layers,
        new Tiling(
            2 * matrices,
            packed * count * hidden,
            packed * count * width,
            Math.ceil(width / FEW / strips(form, tile, true)),
            tiles,
            each),
        2 * of.terms() * computed * 2 * width * hidden);
    add(
        "matmul_" + form.kernel() + "_" + tile + ", experts",
        layers,
        new Tiling(
            matrices,
            packed * count * width,
            FLOAT * count * hidden,
            Math.ceil(hidden / FEW / strips(form, tile, false)),
            tiles,
            each),
        2 * of.terms() * computed * width * hidden);
  }

  private void gated(String what, long layers, double width) {
    Form form = experts();
    int tile = rows <= FEW ? FEW : MANY;
    double tiles = Math.ceil(rows / tile);
    add(
        "matmul_gated_" + form.kernel() + "_" + tile + ", " + what,
        layers,
        new Tiling(
            2 * form.bytes() * width * hidden,
            packed * rows * hidden,
            packed * rows * width,
            Math.ceil(width / FEW / strips(form, tile, true)),
            tiles,
            tiles),
        2 * of.terms() * padded(rows, tile) * 2 * width * hidden);
    product(what, layers, form, hidden, width);
  }

  private void denseLayers() {
    long layers = of.layers(LayerSpec.Dense.class);
    if (layers == 0) {
      return;
    }
    int width =
        of.spec().layers().stream()
            .map(LayerSpec::feedForward)
            .flatMapToInt(
                f -> f instanceof LayerSpec.Dense(int w) ? IntStream.of(w) : IntStream.empty())
            .max()
            .orElseThrow();
    norm("dense layers", layers, true);
    gated("dense layers", layers, (double) width / of.ranks());
    exchange(layers);
    addRows(layers, 1);
  }

  private void head() {
    double outputs = of.sequences();
    double vocabulary = of.spec().vocabulary();
    norm("last", 1, false);
    add("select_rows", 1, outputs * hidden * 2 * FLOAT, 0);
    add("pack_rows, head", 1, outputs * hidden * (FLOAT + packed), 0);
    product("head", 1, WIDE, Math.ceil(vocabulary / of.ranks()), hidden, outputs);
    // Largest, sum, and the token: each looks at all logits.
    add("sample", 1, 3 * FLOAT * outputs * vocabulary, 0);
  }
}

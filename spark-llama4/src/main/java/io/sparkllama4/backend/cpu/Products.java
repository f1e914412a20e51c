package io.sparkllama4.backend.cpu;

import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.Matrix;
import io.sparkllama4.tensor.Tensor;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/// Matrix products that run together: split into pieces of outputs, the pieces taken by all
/// threads. How they are split changes no result. Used from the engine's thread.
final class Products {
  /// Multiply-adds below which a product is not split: some ten microseconds of one core.
  private static final long SERIAL_PRODUCTS = 1 << 16;

  /// Pieces per thread, so that a thread that was held up leaves its share to the others.
  private static final int PIECES = 4;

  /// The same where few tokens pass: pieces cost next to nothing, and the last ones, for which the
  /// other threads wait, should be short.
  private static final int STREAM_PIECES = 12;

  private final CpuPool pool;
  private final PackedTokens packed = new PackedTokens();
  private final List<DotMatmul> dots = new ArrayList<>();
  private final List<AxpyMatmul> axpys = new ArrayList<>();
  private final List<Piece> pieces = new ArrayList<>();

  Products(CpuPool pool) {
    this.pool = pool;
    for (int worker = 0; worker < pool.threads(); worker++) {
      dots.add(new DotMatmul());
      axpys.add(new AxpyMatmul());
    }
  }

  /// Sums of runs of inputs, for streamed products with matrices stored `[inputs, outputs]`.
  private float[] partial = new float[0];

  private int partialFloats;
  private final List<Total> totals = new ArrayList<>();

  /// What one thread takes at a time.
  private sealed interface Piece {
    /// The outputs it computes.
    MatmulTask task();

    /// Multiply-adds.
    default long cost() {
      return (long) task().tokens() * task().rows() * task().inputs();
    }
  }

  /// Tokens that were packed in tiles, from `tokenOffset` on.
  private record Tiles(MatmulTask task, int tokenOffset) implements Piece {}

  /// Few tokens, packed from `tokenOffset` on, with rows of weights as they are stored.
  private record Rows(MatmulTask task, int tokenOffset) implements Piece {}

  /// Few tokens with one run of a matrix stored `[inputs, outputs]`; the sums go to `offset`.
  private record Run(MatmulTask task, int run, int offset, int stride) implements Piece {
    @Override
    public long cost() {
      return Piece.super.cost() / AxpyTiles.RUNS;
    }
  }

  /// Sums of runs that are added up when all pieces are done.
  private record Total(MatmulTask task, int offset, int stride) {}

  /// Forgets what was added.
  void clear() {
    pieces.clear();
    packed.clear();
    totals.clear();
    partialFloats = 0;
  }

  /// Adds `output[t] = input[t] Wt + bias` for tokens `first` up to `end`.
  void add(Tensor input, int first, int end, Linear weight, Tensor output) {
    long column = 0;
    for (Linear.Part part : weight.parts()) {
      MatmulTask all =
          new MatmulTask(input, first, end, part, 0, part.weight().rows(), output, column);
      switch (part.weight().order()) {
        case OUTPUT_MAJOR -> addDots(all);
        case INPUT_MAJOR -> addAxpys(all);
      }
      column += part.weight().rows();
    }
  }

  private void addDots(MatmulTask all) {
    Matrix matrix = all.part().weight();
    boolean streams = DotMatmul.streams(all.tokens());
    int width = streams ? 1 : DotTiles.TOKENS;
    int offset =
        packed.addByPiece(
            all.input(), all.firstToken(), all.endToken(), WeightRows.interleaves(matrix), width);
    int share = streams ? STREAM_PIECES : PIECES;
    long even = Math.ceilDiv(matrix.rows(), (long) share * pool.threads());
    long rounded = Math.ceilDiv(even, (long) DotTiles.ROWS) * DotTiles.ROWS;
    long step = streams ? rounded : Math.min(rounded, DotMatmul.rowsPerTask(matrix.columns()));
    for (MatmulTask task : split(all, step)) {
      pieces.add(streams ? new Rows(task, offset) : new Tiles(task, offset));
    }
  }

  private void addAxpys(MatmulTask all) {
    long rows = all.part().weight().rows();
    long step = AxpyMatmul.rowsPerTask(rows, all.tokens(), pool.threads());
    if (!AxpyMatmul.streams(all.tokens())) {
      int offset = packed.addByInput(all.input(), all.firstToken(), all.endToken());
      for (MatmulTask task : split(all, step)) {
        pieces.add(new Tiles(task, offset));
      }
      return;
    }
    int stride = Lanes.padded(rows);
    for (int run = 0; run < AxpyTiles.RUNS; run++) {
      for (MatmulTask task : split(all, step)) {
        pieces.add(new Run(task, run, partialFloats, stride));
      }
    }
    totals.add(new Total(all, partialFloats, stride));
    partialFloats += all.tokens() * AxpyTiles.RUNS * stride;
  }

  private static List<MatmulTask> split(MatmulTask all, long step) {
    if (all.tokens() * all.endRow() * all.inputs() < SERIAL_PRODUCTS) {
      return List.of(all);
    }
    List<MatmulTask> tasks = new ArrayList<>();
    for (long row = 0; row < all.endRow(); row += step) {
      tasks.add(all.rows(row, Math.min(all.endRow(), row + step)));
    }
    return tasks;
  }

  /// Computes everything that was added.
  void run() {
    packed.pack(pool);
    if (partial.length < partialFloats) {
      partial = new float[partialFloats];
    }
    // The largest first, so that the last to be taken are short.
    pieces.sort(Comparator.comparingLong(Piece::cost).reversed());
    pool.run(pieces.size(), (i, worker) -> compute(pieces.get(i), worker));
    for (Total total : totals) {
      MatmulTask task = total.task();
      for (int t = 0; t < task.tokens(); t++) {
        int at = total.offset() + t * AxpyTiles.RUNS * total.stride();
        AxpyTiles.total(partial, at, total.stride(), total.stride());
        task.put(task.firstToken() + t, 0, partial, at, task.rows());
      }
    }
  }

  private void compute(Piece piece, int worker) {
    MatmulTask task = piece.task();
    switch (piece) {
      case Rows(_, int offset) -> dots.get(worker).stream(task, packed.packed(), offset);
      case Run(_, int run, int offset, int stride) ->
          axpys.get(worker).stream(task, run, partial, offset, stride);
      case Tiles(_, int offset) when task.part().weight().order() == Matrix.Order.INPUT_MAJOR ->
          axpys.get(worker).tiles(task, packed.packed(), offset);
      case Tiles(_, int offset) -> dots.get(worker).tiles(task, packed.packed(), offset);
    }
  }
}

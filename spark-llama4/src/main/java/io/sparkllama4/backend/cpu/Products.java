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

  /// What one thread takes at a time.
  ///
  /// @param task the product
  /// @param tokenOffset where its packed tokens begin, or [#STREAMED]
  private record Piece(MatmulTask task, int tokenOffset) {
    /// Multiply-adds.
    long cost() {
      return (long) task.tokens() * task.rows() * task.inputs();
    }
  }

  /// Tokens that are not packed.
  private static final int STREAMED = -1;

  /// Forgets what was added.
  void clear() {
    pieces.clear();
    packed.clear();
  }

  /// Adds `output[t] = input[t] Wt + bias` for tokens `first` up to `end`.
  void add(Tensor input, int first, int end, Linear weight, Tensor output) {
    long column = 0;
    for (Linear.Part part : weight.parts()) {
      Matrix matrix = part.weight();
      int offset = pack(input, first, end, matrix);
      long rows = matrix.rows();
      long step = Math.min(rows, rowsPerPiece(matrix, end - first));
      for (long row = 0; row < rows; row += step) {
        long last = Math.min(rows, row + step);
        pieces.add(
            new Piece(new MatmulTask(input, first, end, part, row, last, output, column), offset));
      }
      column += rows;
    }
  }

  private int pack(Tensor input, int first, int end, Matrix matrix) {
    return switch (matrix.order()) {
      case OUTPUT_MAJOR ->
          DotMatmul.streams(end - first)
              ? STREAMED
              : packed.addByPiece(input, first, end, WeightRows.interleaves(matrix));
      case INPUT_MAJOR ->
          AxpyMatmul.streams(end - first) ? STREAMED : packed.addByInput(input, first, end);
    };
  }

  private long rowsPerPiece(Matrix matrix, int tokens) {
    if (matrix.rows() * matrix.columns() * tokens < SERIAL_PRODUCTS) {
      return matrix.rows();
    }
    return switch (matrix.order()) {
      case OUTPUT_MAJOR -> {
        long even = Math.ceilDiv(matrix.rows(), (long) PIECES * pool.threads());
        long rounded = Math.ceilDiv(even, (long) DotTiles.ROWS) * DotTiles.ROWS;
        yield DotMatmul.streams(tokens)
            ? rounded
            : Math.min(rounded, DotMatmul.rowsPerTask(matrix.columns()));
      }
      case INPUT_MAJOR -> {
        long even = Math.ceilDiv(matrix.rows(), (long) pool.threads());
        long least = AxpyMatmul.leastRows(tokens);
        yield Math.min(Math.ceilDiv(even, least) * least, 8 * least);
      }
    };
  }

  /// Computes everything that was added.
  void run() {
    packed.pack(pool);
    // The largest first, so that the last to be taken are short.
    pieces.sort(Comparator.comparingLong(Piece::cost).reversed());
    pool.run(
        pieces.size(),
        (i, worker) -> {
          Piece piece = pieces.get(i);
          boolean streams = piece.tokenOffset() == STREAMED;
          if (piece.task().part().weight().order() == Matrix.Order.INPUT_MAJOR) {
            AxpyMatmul axpy = axpys.get(worker);
            if (streams) {
              axpy.stream(piece.task());
            } else {
              axpy.tiles(piece.task(), packed.packed(), piece.tokenOffset());
            }
          } else if (streams) {
            dots.get(worker).stream(piece.task());
          } else {
            dots.get(worker).tiles(piece.task(), packed.packed(), piece.tokenOffset());
          }
        });
  }
}

package io.sparkllama4.backend.check;

import io.sparkllama4.backend.AttentionSpec;
import io.sparkllama4.backend.BlockTables;
import io.sparkllama4.backend.KvLayer;
import io.sparkllama4.backend.StepTokens;
import io.sparkllama4.backend.Temperature;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Locale;

/// Attention over paged caches, and that no token's bits depend on how many share a step.
final class AttentionChecks {
  /// The longest piece of a sequence in one step.
  private static final int MOST = 40;

  /// Tokens that belong to nobody.
  private static final int PADDING = 2;

  /// @param chunk tokens of an attention chunk, 0 for none
  record Case(DType cache, int headDim, int group, int kvHeads, int blockTokens, int chunk) {
    AttentionSpec spec() {
      return new AttentionSpec(
          group * kvHeads, kvHeads, headDim, false, false, Temperature.NONE, chunk);
    }

    String label() {
      String type = cache == DType.BF16 ? "bf16" : "fp8";
      return String.format(Locale.ROOT, "%s_%d_chunk_%d", type, headDim, chunk);
    }
  }

  static final List<Case> CASES =
      List.of(
          new Case(DType.BF16, 8, 5, 2, 3, 16),
          new Case(DType.BF16, 16, 2, 2, 1, 0),
          new Case(DType.BF16, 64, 1, 2, 16, 270),
          new Case(DType.BF16, 128, 5, 1, 16, 8),
          new Case(DType.BF16, 128, 1, 1, 3, 0),
          new Case(DType.F8_E4M3, 8, 1, 3, 16, 0),
          new Case(DType.F8_E4M3, 64, 5, 1, 1, 100),
          new Case(DType.F8_E4M3, 128, 2, 1, 3, 0));

  private AttentionChecks() {}

  static void attention(Case shape, Pair pair, Comparison comparison) {
    Pages pages = new Pages(shape.spec(), shape.cache(), shape.blockTokens(), pair.random());
    Pages.Piece all = Pages.Piece.of(0, MOST);
    Tensor queries = pair.random().floats(all.rows().length, shape.spec().queryWidth());
    Attention device = new Attention(pair.device(), shape.spec(), pages);
    Tensor expected = new Attention(pair.plain(), shape.spec(), pages).of(all, queries, 0);
    Tensor found = device.of(all, queries, PADDING);
    int count = all.rows().length;
    String what = shape.label();
    comparison.floats(what, found.rows(count), expected, pair.tolerance(1e-4, 2e-2));
    Tensor padding = found.rows(count, PADDING);
    for (long i = 0; i < padding.shape().elements(); i++) {
      comparison.number(what + ", tokens of nobody", i, padding.at(i), 0, 0);
    }
    for (int tokens : new int[] {1, 7}) {
      for (int first = 0; first < MOST; first += tokens) {
        Pages.Piece piece = Pages.Piece.of(first, tokens);
        Tensor few = device.of(piece, queries, PADDING);
        for (int i = 0; i < piece.rows().length; i++) {
          int row = piece.rows()[i];
          comparison.bits(
              what + ", bits of token " + row + " with " + tokens + " at a time",
              few.row(i),
              found.row(row));
        }
      }
    }
  }

  /// Attention of one backend over one cache.
  private static final class Attention {
    private final Subject subject;
    private final AttentionSpec spec;
    private final KvLayer cache;
    private final BlockTables tables;

    Attention(Subject subject, AttentionSpec spec, Pages pages) {
      this.subject = subject;
      this.spec = spec;
      cache = pages.cache(subject);
      tables = pages.tables(subject);
    }

    /// The attention of a piece's tokens, and zeros for `padding` more, as the host reads it.
    ///
    /// @param queries of all tokens
    Tensor of(Pages.Piece piece, Tensor queries, int padding) {
      int count = piece.rows().length;
      long width = queries.rowElements();
      Tensor room = subject.room(count + padding, width);
      Tensor own = subject.floats(rows(piece, queries, padding));
      StepTokens tokens = piece.tokens(subject, padding);
      subject.run(kernels -> kernels.attend(own, tokens, tables, cache, spec, room));
      return subject.read(room);
    }

    /// The queries of a piece; those of nobody are no numbers.
    private static Tensor rows(Pages.Piece piece, Tensor queries, int padding) {
      int count = piece.rows().length;
      long width = queries.rowElements();
      float[] values = new float[Math.toIntExact((count + padding) * width)];
      for (int i = 0; i < values.length; i++) {
        int row = Math.toIntExact(i / width);
        values[i] = row < count ? queries.at(piece.rows()[row] * width + i % width) : Float.NaN;
      }
      return new Tensor(
          DType.F32, queries.shape().withRows(count + padding), MemorySegment.ofArray(values));
    }
  }
}

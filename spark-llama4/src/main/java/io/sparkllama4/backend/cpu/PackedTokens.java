package io.sparkllama4.backend.cpu;

import io.sparkllama4.tensor.Elements;
import io.sparkllama4.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/// Tokens laid out for tiles of dot products, once for all outputs: four tokens side by side. Owned
/// by the kernels; the engine's thread plans, all threads pack.
final class PackedTokens {
  private final List<Run> runs = new ArrayList<>();
  private int floats;
  private float[] packed = new float[0];

  /// Consecutive tokens that meet one matrix.
  ///
  /// @param input `[T, A]`
  /// @param first first token
  /// @param end behind the last
  /// @param pieces their layout
  /// @param places `pieces.places()`
  /// @param offset where their tiles begin
  @SuppressWarnings("ArrayRecordComponent") // A bundle of parameters; nobody compares it.
  private record Run(Tensor input, int first, int end, Pieces pieces, int[] places, int offset) {}

  /// Forgets what was planned.
  void clear() {
    runs.clear();
    floats = 0;
  }

  /// Plans the packing of tokens `first` up to `end`; returns where their tiles will begin.
  int add(Tensor input, int first, int end, boolean interleaves) {
    int inputs = Math.toIntExact(input.rowElements());
    Pieces pieces = new Pieces(inputs, interleaves, DotTiles.TOKENS, true);
    for (Run run : runs) {
      boolean same = run.first() == first && run.end() == end && run.pieces().equals(pieces);
      if (same && run.input().equals(input)) {
        return run.offset();
      }
    }
    int offset = floats;
    runs.add(new Run(input, first, end, pieces, pieces.places(), offset));
    floats += Math.ceilDiv(end - first, DotTiles.TOKENS) * pieces.floats();
    return offset;
  }

  /// Packs everything that is planned.
  void pack(CpuPool pool) {
    if (packed.length < floats) {
      packed = new float[floats];
    }
    for (Run run : runs) {
      int tiles = Math.ceilDiv(run.end() - run.first(), DotTiles.TOKENS);
      pool.run(tiles, (tile, worker) -> packTile(run, tile));
    }
  }

  /// Tokens that the last tile lacks hold whatever was there; their sums are never read.
  private void packTile(Run run, int tile) {
    MemorySegment data = run.input().data();
    int[] places = run.places();
    int first = run.first() + tile * DotTiles.TOKENS;
    for (int t = 0; t < DotTiles.TOKENS && first + t < run.end(); t++) {
      int offset = run.offset() + tile * run.pieces().floats() + t * Lanes.COUNT;
      run.pieces().clearTail(packed, offset);
      long from = 4L * (first + t) * places.length;
      for (int i = 0; i < places.length; i++) {
        packed[offset + places[i]] = data.get(Elements.FLOAT, from + 4L * i);
      }
    }
  }

  /// The tiles.
  float[] packed() {
    return packed;
  }
}

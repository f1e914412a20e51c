package io.sparkllama4.backend.cpu;

import io.sparkllama4.tensor.Elements;
import io.sparkllama4.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/// Tokens laid out for tiles, once for all outputs: side by side in pieces for dot products, input
/// by input for matrices stored `[inputs, outputs]`. Owned by the kernels; the engine's thread
/// plans, all threads pack.
final class PackedTokens {
  private final List<Run> runs = new ArrayList<>();
  private int floats;
  private float[] packed = new float[0];

  /// Places of inputs by layout: a model has few of them. Threads that pack only read it.
  private final Map<Pieces, int[]> places = new HashMap<>();

  /// Consecutive tokens that meet one matrix.
  ///
  /// @param input `[T, A]`
  /// @param first first token
  /// @param end behind the last
  /// @param layout how a tile of them looks
  /// @param offset where their tiles begin
  private record Run(Tensor input, int first, int end, Layout layout, int offset) {
    boolean holds(Tensor other, int otherFirst, int otherEnd, Layout otherLayout) {
      return first == otherFirst
          && end == otherEnd
          && layout.equals(otherLayout)
          && input.equals(other);
    }
  }

  /// How a tile of tokens looks.
  private sealed interface Layout {
    int tokens();

    int floats();
  }

  /// Several tokens side by side by chain, or one alone, see [Pieces].
  private record ByPiece(Pieces pieces) implements Layout {
    @Override
    public int tokens() {
      return pieces.width();
    }

    @Override
    public int floats() {
      return pieces.floats();
    }
  }

  /// `[inputs][TOKENS]`, the inputs in the order of [AxpyTiles#input].
  private record ByInput(int inputs) implements Layout {
    @Override
    public int tokens() {
      return AxpyTiles.TOKENS;
    }

    @Override
    public int floats() {
      return inputs * AxpyTiles.TOKENS;
    }
  }

  /// Forgets what was planned.
  void clear() {
    runs.clear();
    floats = 0;
  }

  /// Plans the packing of tokens `first` up to `end` for dot products, `width` side by side;
  /// returns where their tiles will begin.
  int addByPiece(Tensor input, int first, int end, boolean interleaves, int width) {
    int inputs = Math.toIntExact(input.rowElements());
    Pieces pieces = new Pieces(inputs, interleaves, width, width > 1);
    places.computeIfAbsent(pieces, Pieces::places);
    return add(input, first, end, new ByPiece(pieces));
  }

  /// Plans the packing of tokens `first` up to `end` for matrices stored `[inputs, outputs]`;
  /// returns where their tiles will begin.
  int addByInput(Tensor input, int first, int end) {
    return add(input, first, end, new ByInput(Math.toIntExact(input.rowElements())));
  }

  private int add(Tensor input, int first, int end, Layout layout) {
    for (Run run : runs) {
      if (run.holds(input, first, end, layout)) {
        return run.offset();
      }
    }
    int offset = floats;
    runs.add(new Run(input, first, end, layout, offset));
    floats =
        Math.addExact(
            floats,
            Math.multiplyExact(Math.ceilDiv(end - first, layout.tokens()), layout.floats()));
    return offset;
  }

  /// Packs everything that is planned.
  void pack(CpuPool pool) {
    if (packed.length < floats) {
      packed = new float[floats];
    }
    List<Runnable> tiles = new ArrayList<>();
    for (Run run : runs) {
      int count = Math.ceilDiv(run.end() - run.first(), run.layout().tokens());
      for (int i = 0; i < count; i++) {
        int tile = i;
        tiles.add(() -> packTile(run, tile));
      }
    }
    pool.run(tiles.size(), (tile, worker) -> tiles.get(tile).run());
  }

  private void packTile(Run run, int tile) {
    int first = run.first() + tile * run.layout().tokens();
    int offset = run.offset() + tile * run.layout().floats();
    int count = Math.min(run.layout().tokens(), run.end() - first);
    switch (run.layout()) {
      case ByPiece(Pieces pieces) -> packByPiece(run.input(), first, count, pieces, offset);
      case ByInput(int inputs) -> packByInput(run.input(), first, count, inputs, offset);
    }
  }

  /// Tokens that the last tile lacks hold whatever was there; their sums are never read.
  private void packByPiece(Tensor input, int first, int count, Pieces pieces, int tileOffset) {
    MemorySegment data = input.data();
    int[] at = Objects.requireNonNull(places.get(pieces));
    for (int t = 0; t < count; t++) {
      int offset = tileOffset + t * Lanes.COUNT;
      pieces.clearTail(packed, offset);
      long from = 4L * (first + t) * at.length;
      for (int i = 0; i < at.length; i++) {
        packed[offset + at[i]] = data.get(Elements.FLOAT, from + 4L * i);
      }
    }
  }

  /// Tokens that the last tile lacks hold whatever was there; their sums are never read.
  private void packByInput(Tensor input, int first, int count, int inputs, int offset) {
    MemorySegment data = input.data();
    for (int t = 0; t < count; t++) {
      long from = 4L * (first + t) * inputs;
      int at = offset + t;
      for (int place = 0; place < inputs; place++, at += AxpyTiles.TOKENS) {
        packed[at] = data.get(Elements.FLOAT, from + 4L * AxpyTiles.input(place, inputs));
      }
    }
  }

  /// The tiles.
  float[] packed() {
    return packed;
  }
}

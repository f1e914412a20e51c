package io.sparkllama4.backend.cpu;

import io.sparkllama4.backend.AttentionSpec;
import io.sparkllama4.backend.BlockTables;
import io.sparkllama4.backend.KvLayer;
import io.sparkllama4.backend.StepTokens;
import io.sparkllama4.backend.cpu.ffi.KernelLibrary;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Elements;
import io.sparkllama4.tensor.NativeArena;
import io.sparkllama4.tensor.Tensor;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;

/// Native attention: some tokens of a sequence at a time, with all query heads of a key head. Heads
/// of shapes that the native kernel does not take go token by token.
final class BlockedAttention implements PanelAttention {
  private final CpuPool pool;
  private final NativePanels math;
  private final PanelAttention other;
  private final NativeArena arena = new NativeArena();
  private final IdentityHashMap<KvLayer, Slabs> slabs = new IdentityHashMap<>();
  private final List<Piece> pieces = new ArrayList<>();

  /// The addresses of a layer's slabs in native memory.
  ///
  /// @param count how many
  private record Slabs(int count, Tensor keys, Tensor values) {}

  /// Tokens `first` up to `end` of a sequence.
  private record Piece(int sequence, int first, int end, int kvHead) {}

  /// @param other takes what the native kernel does not
  BlockedAttention(CpuPool pool, NativePanels math, PanelAttention other) {
    this.pool = pool;
    this.math = math;
    this.other = other;
  }

  @Override
  public void attend(
      Tensor queries,
      StepTokens tokens,
      BlockTables tables,
      KvLayer cache,
      AttentionSpec spec,
      Tensor output) {
    if (!NativePanels.attends(spec)) {
      other.attend(queries, tokens, tables, cache, spec, output);
      return;
    }
    Slabs addresses = slabs(cache);
    pieces.clear();
    int atOnce = NativePanels.tokensAtOnce(spec);
    for (int s = 0; s < tokens.sequences(); s++) {
      int end = tokens.queryStarts().intAt(s + 1);
      // The last tokens see most and are taken first.
      for (int t = end; t > tokens.queryStarts().intAt(s); t -= atOnce) {
        for (int head = 0; head < spec.kvHeads(); head++) {
          int first = Math.max(tokens.queryStarts().intAt(s), t - atOnce);
          pieces.add(new Piece(s, first, t, head));
        }
      }
    }
    long group = spec.heads() / spec.kvHeads();
    pool.run(
        pieces.size(),
        (i, worker) -> {
          Piece piece = pieces.get(i);
          long at = piece.first() * queries.rowElements() + piece.kvHead() * group * spec.headDim();
          math.attend(
              new KernelLibrary.Queries(
                  queries.data().address() + 4 * at,
                  output.data().address() + 4 * at,
                  queries.rowElements(),
                  piece.end() - piece.first(),
                  tokens.positions().intAt(piece.first()),
                  group,
                  spec.headDim(),
                  spec.chunk()),
              head(piece, tables, cache, addresses, spec));
        });
  }

  private static KernelLibrary.PagedHead head(
      Piece piece, BlockTables tables, KvLayer cache, Slabs slabs, AttentionSpec spec) {
    // Positions count from the sequence's start; blocks that were given back are not listed.
    long before = tables.starts().intAt(piece.sequence());
    before -= tables.firstBlocks().intAt(piece.sequence());
    return new KernelLibrary.PagedHead(
        tables.blocks().data().address() + 4 * before,
        tables.blockTokens(),
        slabs.keys().data().address(),
        slabs.values().data().address(),
        cache.slabSlots(),
        spec.kvWidth(),
        (long) piece.kvHead() * spec.headDim());
  }

  private Slabs slabs(KvLayer cache) {
    Slabs known = slabs.get(cache);
    if (known == null || known.count() < cache.slabs()) {
      // A few more each time the cache grows, which it does by slabs of many tokens.
      int count = cache.slabs();
      known = new Slabs(count, arena.allocate(DType.I64, count), arena.allocate(DType.I64, count));
      for (int i = 0; i < count; i++) {
        int slot = i * cache.slabSlots();
        put(known.keys(), i, cache.keys(slot).data().address());
        put(known.values(), i, cache.values(slot).data().address());
      }
      slabs.put(cache, known);
    }
    return known;
  }

  private static void put(Tensor addresses, int index, long address) {
    addresses.data().set(Elements.LONG, 8L * index, address);
  }

  @Override
  public void close() {
    other.close();
    arena.close();
  }
}

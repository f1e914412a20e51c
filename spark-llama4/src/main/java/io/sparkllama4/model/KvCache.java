package io.sparkllama4.model;

import io.sparkllama4.backend.Backend;
import io.sparkllama4.backend.KvLayer;
import io.sparkllama4.tensor.Allocator;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Tensor;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;

/// The memory of all layers' keys and values: blocks of positions, in two groups.
///
/// Where the backend lets it, it grows by slabs as higher block ids come into use, so that a short
/// job on a large machine takes little. Who holds which block is the engine's business. Confined to
/// the engine's thread.
public final class KvCache implements AutoCloseable {
  /// Blocks that a slab holds: enough that slabs stay few, little enough that the first is cheap.
  private static final int SLAB_BLOCKS = 64;

  private final Backend backend;

  /// Of each slab of a group, over its layers. Others ask how much they take.
  private final List<Allocator> memories = new CopyOnWriteArrayList<>();

  private final DType dtype;
  private final DecoderSpec spec;
  private final Map<KvGroup, Integer> blockTokens;
  private final Map<KvGroup, Integer> slabBlocks = new EnumMap<>(KvGroup.class);
  private final Map<KvGroup, Integer> slabs = new EnumMap<>(KvGroup.class);
  private final List<KvLayer> layers = new ArrayList<>();

  /// An empty cache.
  ///
  /// @param blockTokens positions in a block of each group
  /// @param blocks the most blocks of each group
  public KvCache(
      DecoderSpec spec,
      Map<KvGroup, Integer> blockTokens,
      Map<KvGroup, Integer> blocks,
      Backend backend) {
    this.dtype = backend.kv().dtype();
    blocks.forEach(
        (group, most) -> slabBlocks.put(group, backend.kv().grows() ? SLAB_BLOCKS : most));
    this.spec = spec;
    this.blockTokens = new EnumMap<>(KvGroup.class);
    this.blockTokens.putAll(blockTokens);
    this.backend = backend;
    for (LayerSpec layer : spec.layers()) {
      KvGroup group = KvGroup.of(layer);
      layers.add(new KvLayer(slabBlocks.getOrDefault(group, 1) * blockTokens(group)));
    }
  }

  /// Positions in a block of each group that the model has.
  public Map<KvGroup, Integer> blockTokens() {
    return Map.copyOf(blockTokens);
  }

  /// Positions in a block of `group`.
  public int blockTokens(KvGroup group) {
    return blockTokens.getOrDefault(group, 1);
  }

  /// Makes room for blocks 0 to `blocks - 1` of `group`. Where memory is missing for a slab, no
  /// layer has it.
  public void reserve(KvGroup group, int blocks) {
    int slab = slabs.getOrDefault(group, 0);
    int each = slabBlocks.getOrDefault(group, 1);
    for (; (long) slab * each < blocks; slab++) {
      addSlab(group, (long) each * blockTokens(group));
      slabs.put(group, slab + 1);
    }
  }

  private void addSlab(KvGroup group, long slots) {
    Allocator memory = backend.allocator();
    List<Tensor> made = new ArrayList<>();
    try {
      for (int i : spec.layersOf(group)) {
        var attention = spec.layers().get(i).attention();
        for (int part = 0; part < 2; part++) {
          made.add(memory.allocate(dtype, slots, attention.kvHeads(), attention.headDim()));
        }
      }
    } catch (RuntimeException | Error e) {
      memory.close();
      throw e;
    }
    memories.add(memory);
    Iterator<Tensor> next = made.iterator();
    for (int i : spec.layersOf(group)) {
      layers.get(i).append(next.next(), next.next());
    }
  }

  /// Keys and values of layer `index`.
  public KvLayer layer(int index) {
    return layers.get(index);
  }

  /// The memory taken so far.
  public long bytes() {
    return memories.stream().mapToLong(Allocator::bytes).sum();
  }

  @Override
  public void close() {
    memories.forEach(Allocator::close);
    memories.clear();
  }
}

package io.sparkllama4.backend;

import io.sparkllama4.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/// Keys and values of one layer, in slots of K*D elements each.
///
/// The slots lie in slabs of equal size, so that a cache can grow while what it holds stays where
/// it is. Confined to the engine's thread, which grows it between steps.
public final class KvLayer {
  private final int slabSlots;
  private final List<Tensor> keySlabs = new ArrayList<>();
  private final List<Tensor> valueSlabs = new ArrayList<>();

  /// An empty cache whose slabs will hold `slabSlots` slots each.
  public KvLayer(int slabSlots) {
    this.slabSlots = slabSlots;
  }

  /// Adds room.
  ///
  /// @param keys `[slabSlots, K, D]`, as [Backend#kv()] says
  /// @param values `[slabSlots, K, D]`
  public void append(Tensor keys, Tensor values) {
    keySlabs.add(keys);
    valueSlabs.add(values);
  }

  /// Slots of a slab.
  public int slabSlots() {
    return slabSlots;
  }

  /// The number of slabs.
  public int slabs() {
    return keySlabs.size();
  }

  /// The slab of keys that holds `slot`.
  public Tensor keys(int slot) {
    return keySlabs.get(slot / slabSlots);
  }

  /// The slab of values that holds `slot`.
  public Tensor values(int slot) {
    return valueSlabs.get(slot / slabSlots);
  }

  /// The index of `slot` in its slab.
  public int indexInSlab(int slot) {
    return slot % slabSlots;
  }
}

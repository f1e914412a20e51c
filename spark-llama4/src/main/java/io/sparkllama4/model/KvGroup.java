package io.sparkllama4.model;

/// Layers whose keys and values live equally long, and therefore share block tables.
public enum KvGroup {
  /// Layers that see every earlier token.
  GLOBAL,
  /// Layers that see their own attention chunk only: what lies before it is given back.
  CHUNKED;

  /// The group of a layer.
  public static KvGroup of(LayerSpec layer) {
    return layer.attention().isChunked() ? CHUNKED : GLOBAL;
  }
}

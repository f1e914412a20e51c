package io.sparkllama4.runtime.plan;

import io.sparkllama4.backend.AttentionSpec;
import io.sparkllama4.model.DecoderSpec;
import io.sparkllama4.model.LayerSpec;

/// The arithmetic of attention on the fullest GPU: for each query and key that it sees a product
/// for the score and one for the weighted value, each of a head's elements, two FLOP an element.
final class Attended {
  private static final double FLOP_PER_ELEMENT = 4;

  private Attended() {}

  /// FLOP of the last token of a sequence of `context` tokens, which sees the most. A chunked layer
  /// counts with the longest chunk that such a sequence has.
  static double lastToken(DecoderSpec spec, int gpus, int context) {
    double flop = 0;
    for (LayerSpec layer : spec.layers()) {
      AttentionSpec attention = layer.attention();
      int visible = attention.isChunked() ? Math.min(context, attention.chunk()) : context;
      flop += FLOP_PER_ELEMENT * width(attention, gpus) * visible;
    }
    return flop;
  }

  /// Mean FLOP of the tokens of a prompt of `context` tokens.
  static double meanOfPrompt(DecoderSpec spec, int gpus, int context) {
    double flop = 0;
    for (LayerSpec layer : spec.layers()) {
      AttentionSpec attention = layer.attention();
      flop += FLOP_PER_ELEMENT * width(attention, gpus) * meanVisible(attention, context);
    }
    return flop;
  }

  private static double width(AttentionSpec attention, int gpus) {
    return (double) ModelShare.queryHeads(attention, gpus) * attention.headDim();
  }

  private static double meanVisible(AttentionSpec attention, int context) {
    long chunk = attention.isChunked() ? attention.chunk() : context;
    long full = context / chunk;
    return (full * triangle(chunk) + triangle(context % chunk)) / context;
  }

  /// 1 + 2 + ... + `count`.
  private static double triangle(long count) {
    return count * (count + 1.0) / 2;
  }
}

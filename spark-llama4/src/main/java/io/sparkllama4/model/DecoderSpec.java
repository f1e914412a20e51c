package io.sparkllama4.model;

import io.sparkllama4.backend.StepBuffers;
import io.sparkllama4.tensor.DType;
import java.util.List;

/// A decoder as data: everything that `config.json` says about the arithmetic.
///
/// @param architecture the family, as in the name of the checkpoint's architecture: `llama4`
/// @param vocabulary entries of the embedding and of the logits
/// @param hidden elements of the residual stream
/// @param normEpsilon added to the mean square in every norm
/// @param maxPositions the longest sequence, prompt and output together
/// @param tiedEmbedding whether the output head is the embedding table
/// @param rotary how layers with rope rotate
/// @param layers the layers, first to last
public record DecoderSpec(
    String architecture,
    int vocabulary,
    int hidden,
    float normEpsilon,
    int maxPositions,
    boolean tiedEmbedding,
    Rotary rotary,
    List<LayerSpec> layers) {

  /// Copies the list.
  public DecoderSpec {
    layers = List.copyOf(layers);
  }

  /// The sizes of a step's scratch memory.
  public StepBuffers.Sizes bufferSizes() {
    int dense = 0;
    int experts = 0;
    int chosen = 0;
    int expertWidth = 0;
    for (LayerSpec layer : layers) {
      switch (layer.feedForward()) {
        case LayerSpec.Dense(int width) -> dense = Math.max(dense, width);
        case LayerSpec.Mixture mixture -> {
          dense = Math.max(dense, mixture.sharedWidth());
          experts = Math.max(experts, mixture.experts());
          chosen = Math.max(chosen, mixture.chosen());
          expertWidth = Math.max(expertWidth, mixture.expertWidth());
        }
      }
    }
    var attention = layers.getFirst().attention();
    return new StepBuffers.Sizes(
        hidden,
        attention.queryWidth(),
        attention.kvWidth(),
        dense,
        experts,
        chosen,
        expertWidth,
        vocabulary,
        0);
  }

  /// The attention chunk of the layers that have one, 0 where none has.
  public int chunk() {
    return layers.stream().mapToInt(layer -> layer.attention().chunk()).max().orElse(0);
  }

  /// The layers whose keys and values belong to `group`.
  public List<Integer> layersOf(KvGroup group) {
    return java.util.stream.IntStream.range(0, layers.size())
        .filter(i -> KvGroup.of(layers.get(i)) == group)
        .boxed()
        .toList();
  }

  /// Bytes of keys and values of `dtype` that one token takes in the layers of `group`.
  public long kvBytesPerToken(KvGroup group, DType dtype) {
    return layersOf(group).stream()
        .mapToLong(i -> 2L * dtype.bytes() * layers.get(i).attention().kvWidth())
        .sum();
  }
}

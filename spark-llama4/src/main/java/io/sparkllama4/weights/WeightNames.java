package io.sparkllama4.weights;

/// The names of Llama 4's text tensors. Published checkpoints differ in what stands before them.
///
/// @param model what stands before the model's tensors, such as `language_model.model.`
/// @param outside what stands before the output head, such as `language_model.`
record WeightNames(String model, String outside) {
  /// Every way to begin, with the usual one for an error message last.
  private static final WeightNames[] KNOWN = {
    new WeightNames("language_model.model.", "language_model."),
    new WeightNames("model.language_model.", ""),
    new WeightNames("model.", "")
  };

  /// The beginnings of the vision model's names, which a text model skips.
  private static final String[] VISION = {
    "vision_model.", "multi_modal_projector.", "model.vision_model.", "model.multi_modal_projector."
  };

  /// The names that these files use.
  static WeightNames of(TensorFiles files) {
    for (WeightNames names : KNOWN) {
      if (files.has(names.embedding())) {
        return names;
      }
    }
    boolean nested = files.names().stream().anyMatch(name -> name.startsWith("language_model."));
    return nested ? KNOWN[0] : KNOWN[KNOWN.length - 1];
  }

  static boolean isVision(String name) {
    for (String beginning : VISION) {
      if (name.startsWith(beginning)) {
        return true;
      }
    }
    return false;
  }

  String embedding() {
    return model + "embed_tokens.weight";
  }

  String finalNorm() {
    return model + "norm.weight";
  }

  String head() {
    return outside + "lm_head";
  }

  String inputNorm(int layer) {
    return layer(layer) + "input_layernorm.weight";
  }

  String feedForwardNorm(int layer) {
    return layer(layer) + "post_attention_layernorm.weight";
  }

  /// A projection of attention: `q_proj`, `k_proj`, `v_proj`, `o_proj`.
  String attention(int layer, String projection) {
    return layer(layer) + "self_attn." + projection;
  }

  /// A projection of a dense layer: `gate_proj`, `up_proj`, `down_proj`.
  String dense(int layer, String projection) {
    return layer(layer) + "feed_forward." + projection;
  }

  String router(int layer) {
    return layer(layer) + "feed_forward.router";
  }

  String shared(int layer, String projection) {
    return layer(layer) + "feed_forward.shared_expert." + projection;
  }

  /// All experts in one tensor: `gate_up_proj`, `down_proj`.
  String fusedExperts(int layer, String projection) {
    return layer(layer) + "feed_forward.experts." + projection;
  }

  /// One expert's projection: `gate_proj`, `up_proj`, `down_proj`.
  String expert(int layer, int expert, String projection) {
    return layer(layer) + "feed_forward.experts." + expert + "." + projection;
  }

  private String layer(int layer) {
    return model + "layers." + layer + ".";
  }
}

package io.sparkllama4.weights;

import com.fasterxml.jackson.databind.JsonNode;
import io.sparkllama4.backend.AttentionSpec;
import io.sparkllama4.backend.Temperature;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.model.DecoderSpec;
import io.sparkllama4.model.LayerSpec;
import io.sparkllama4.model.Rotary;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// Llama 4's `config.json`, in all the forms in which it has been published: with the text model
/// nested beside a vision model or flat, old and new names, lists that may be empty.
final class Llama4Config {
  /// No model has more layers; a larger number is a broken file, not a reason to fill the memory.
  private static final int MOST_LAYERS = 10_000;

  private final ConfigNode top;
  private final ConfigNode text;
  private final List<Warning> warnings = new ArrayList<>();

  private Llama4Config(ConfigNode top, ConfigNode text) {
    this.top = top;
    this.text = text;
  }

  static ModelConfig read(ConfigNode top) {
    ConfigNode text = top;
    if (top.text("model_type", "").equals("llama4") && top.node().has("text_config")) {
      text = top.object("text_config");
      String type = text.text("model_type", "llama4_text");
      if (!type.equals("llama4_text")) {
        throw ErrorReport.of(
                ErrorCode.UNSUPPORTED_ARCHITECTURE,
                "Cannot run a text model of type [" + type + "]")
            .file("config.json")
            .found(type, "llama4_text")
            .exception();
      }
    }
    return new Llama4Config(top, text).read();
  }

  private ModelConfig read() {
    if (!text.text("hidden_act", "silu").equals("silu")) {
      throw text.unsupported("hidden_act", "silu");
    }
    int vocabulary = text.size("vocab_size");
    int layerCount = text.size("num_hidden_layers");
    if (layerCount > MOST_LAYERS) {
      throw text.invalid("num_hidden_layers", "at most " + MOST_LAYERS);
    }
    ConfigNode tied = text.has("tie_word_embeddings") ? text : top;
    DecoderSpec spec =
        new DecoderSpec(
            "llama4",
            vocabulary,
            text.size("hidden_size"),
            (float) positiveInFloat("rms_norm_eps", 1e-5),
            text.size("max_position_embeddings"),
            tied.flag("tie_word_embeddings", false),
            rotary(),
            layers(layerCount));
    QuantizationConfig quantization = QuantizationConfig.read(top);
    ConfigNode ids = text.has("eos_token_id") || text.has("bos_token_id") ? text : top;
    return new ModelConfig(
        spec,
        quantization,
        ids.has("bos_token_id") ? ids.count("bos_token_id") : ModelConfig.NO_ID,
        tokenIds(ids, "eos_token_id"),
        warnings);
  }

  /// A number that the kernels use in 32 bits, where it must not become 0 or infinite.
  private double positiveInFloat(String name, double otherwise) {
    double value = text.positive(name, otherwise);
    if ((float) value == 0 || Float.isInfinite((float) value)) {
      throw text.invalid(name, "a number above 0 in 32 bits");
    }
    return value;
  }

  /// One id or a list of them.
  static List<Integer> tokenIds(ConfigNode node, String name) {
    if (!node.has(name)) {
      return List.of();
    }
    if (node.node().get(name).isIntegralNumber()) {
      return List.of(node.count(name));
    }
    List<Integer> ids = new ArrayList<>();
    for (JsonNode id : node.list(name)) {
      if (!id.canConvertToInt() || !id.isIntegralNumber() || id.intValue() < 0) {
        throw node.invalid(name, "a token id or a list of them");
      }
      ids.add(id.intValue());
    }
    return ids;
  }

  private List<LayerSpec> layers(int count) {
    int heads = text.size("num_attention_heads");
    int kvHeads = text.isNull("num_key_value_heads") ? heads : text.size("num_key_value_heads");
    if (heads % kvHeads != 0) {
      throw text.invalid("num_key_value_heads", "a divisor of num_attention_heads, " + heads);
    }
    int headDim = headDim(heads);
    boolean normalizes = text.flag("use_qk_norm", true);
    boolean bias = text.flag("attention_bias", false);
    Temperature temperature = temperature();
    int chunk = chunk();
    boolean[] usesRope = ropeLayers(count);
    boolean[] chunked = chunkedLayers(usesRope);
    Set<Integer> mixtures = mixtureLayers(count);
    List<LayerSpec> layers = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      AttentionSpec attention =
          new AttentionSpec(
              heads,
              kvHeads,
              headDim,
              usesRope[i],
              normalizes && usesRope[i],
              usesRope[i] ? Temperature.NONE : temperature,
              chunked[i] ? chunk : 0);
      layers.add(new LayerSpec(attention, bias, feedForward(mixtures.contains(i))));
    }
    return layers;
  }

  private int headDim(int heads) {
    int hidden = text.size("hidden_size");
    if (!text.has("head_dim") && hidden % heads != 0) {
      throw text.invalid("num_attention_heads", "a divisor of hidden_size, " + hidden);
    }
    int headDim = text.has("head_dim") ? text.size("head_dim") : hidden / heads;
    if (headDim % 2 != 0) {
      throw text.invalid("head_dim", "an even number, since rope rotates pairs");
    }
    if ((long) heads * headDim > Integer.MAX_VALUE) {
      throw text.invalid(
          "head_dim", "at most " + Integer.MAX_VALUE + " elements of all heads together");
    }
    return headDim;
  }

  private Temperature temperature() {
    // Early files hold the integer 4 where true is meant.
    if (!text.looseFlag("attn_temperature_tuning", true)) {
      return Temperature.NONE;
    }
    return new Temperature(positiveInFloat("floor_scale", 8192), text.number("attn_scale", 0.1));
  }

  /// The attention chunk; 0 where the file says null: no chunks.
  private int chunk() {
    if (text.isNull("attention_chunk_size")) {
      return 0;
    }
    return text.has("attention_chunk_size") ? text.size("attention_chunk_size") : 8192;
  }

  /// `no_rope_layers` is named the wrong way round: 1 marks a layer *with* rope. An empty or absent
  /// list means that every `no_rope_layer_interval`-th layer has none.
  private boolean[] ropeLayers(int count) {
    boolean[] usesRope = new boolean[count];
    List<JsonNode> marks = text.list("no_rope_layers");
    if (marks.isEmpty()) {
      int interval = text.has("no_rope_layer_interval") ? text.size("no_rope_layer_interval") : 4;
      for (int i = 0; i < count; i++) {
        usesRope[i] = (i + 1) % interval != 0;
      }
      return usesRope;
    }
    if (marks.size() != count) {
      throw text.invalid("no_rope_layers", "one mark for each of " + count + " layers");
    }
    for (int i = 0; i < count; i++) {
      JsonNode mark = marks.get(i);
      boolean isMark = mark.isBoolean() || (mark.isInt() && mark.intValue() >> 1 == 0);
      if (!isMark) {
        throw text.invalid("no_rope_layers", "a list of 0 and 1");
      }
      usesRope[i] = mark.isBoolean() ? mark.booleanValue() : mark.intValue() == 1;
    }
    return usesRope;
  }

  /// Newer files list the kind of each layer; in older ones layers with rope are the chunked ones.
  private boolean[] chunkedLayers(boolean[] usesRope) {
    List<JsonNode> types = text.list("layer_types");
    if (types.isEmpty()) {
      return usesRope;
    }
    if (types.size() != usesRope.length) {
      throw text.invalid("layer_types", "one type for each of " + usesRope.length + " layers");
    }
    boolean[] chunked = new boolean[usesRope.length];
    for (int i = 0; i < chunked.length; i++) {
      chunked[i] =
          switch (types.get(i).asText()) {
            case "chunked_attention" -> true;
            case "full_attention" -> false;
            default -> throw text.unsupported("layer_types", "chunked_attention, full_attention");
          };
    }
    return chunked;
  }

  /// Layers with experts: those of `moe_layers` where it is written, else every
  /// `interleave_moe_layer_step`-th; none where there are no experts or the step is 0.
  private Set<Integer> mixtureLayers(int count) {
    Set<Integer> layers = new HashSet<>();
    int step = text.count("interleave_moe_layer_step", 1);
    int experts = text.count("num_local_experts");
    if (experts == 0) {
      return layers;
    }
    if (text.size("num_experts_per_tok") > experts) {
      throw text.invalid("num_experts_per_tok", "1 to num_local_experts, " + experts);
    }
    if (!text.has("moe_layers")) {
      for (int i = step - 1; step > 0 && i < count; i += step) {
        layers.add(i);
      }
      return layers;
    }
    for (JsonNode layer : text.list("moe_layers")) {
      if (!layer.isInt() || layer.intValue() < 0 || layer.intValue() >= count) {
        throw text.invalid("moe_layers", "indices of layers, 0 to " + (count - 1));
      }
      layers.add(layer.intValue());
    }
    return layers;
  }

  private LayerSpec.FeedForwardSpec feedForward(boolean isMixture) {
    if (!isMixture) {
      return new LayerSpec.Dense(text.size("intermediate_size_mlp"));
    }
    int width = text.size("intermediate_size");
    return new LayerSpec.Mixture(
        text.size("num_local_experts"), text.size("num_experts_per_tok"), width, width);
  }

  private Rotary rotary() {
    ConfigNode scaling;
    double theta;
    if (text.has("rope_parameters")) {
      scaling = text.object("rope_parameters");
      theta = scaling.positive("rope_theta", text.positive("rope_theta", 500_000));
    } else {
      theta = text.positive("rope_theta", 500_000);
      if (!text.has("rope_scaling")) {
        return new Rotary(theta, new Rotary.Unscaled());
      }
      scaling = text.object("rope_scaling");
    }
    String key = scaling.has("type") && !scaling.has("rope_type") ? "type" : "rope_type";
    if (!scaling.has(key) && scaling.has("factor")) {
      throw scaling.invalid(key, "default or llama3, where there is a factor");
    }
    return switch (scaling.text(key, "default")) {
      case "default" -> new Rotary(theta, new Rotary.Unscaled());
      case "llama3" -> new Rotary(theta, llama3(scaling));
      default -> throw scaling.unsupported(key, "default, llama3");
    };
  }

  private Rotary.Llama3 llama3(ConfigNode scaling) {
    Rotary.Llama3 rule =
        new Rotary.Llama3(
            scaling.positive("factor", 0),
            scaling.positive("low_freq_factor", 0),
            scaling.positive("high_freq_factor", 0),
            scaling.size("original_max_position_embeddings"));
    if (rule.lowFrequency() > rule.highFrequency()) {
      throw scaling.invalid("low_freq_factor", "at most high_freq_factor");
    }
    boolean isScout = text.count("num_local_experts") == 16;
    if (isScout && rule.equals(new Rotary.Llama3(8, 1, 4, 8192))) {
      warnings.add(
          new Warning(
              "STALE_ROPE_SCALING",
              "rope scaling is factor 8, high_freq_factor 4, as in the first files of Llama 4 Scout;"
                  + " its publisher corrected them to 16 and 1. The file's values are used: edit"
                  + " config.json if the checkpoint is Scout"));
    }
    return rule;
  }
}

package io.sparkllama4.weights;

import static io.sparkllama4.error.ErrorCode.INVALID_CONFIG;
import static io.sparkllama4.error.ErrorCode.SHAPE_MISMATCH;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/// Fields of `config.json` with values that no model can have, or that this one has not.
final class HostileFields {
  private static final String CONFIG = "config.json";

  private HostileFields() {}

  static List<Hostile> all() {
    List<Hostile> cases = new ArrayList<>();
    for (String field :
        List.of(
            "vocab_size",
            "hidden_size",
            "num_hidden_layers",
            "num_attention_heads",
            "num_key_value_heads",
            "max_position_embeddings",
            "num_local_experts",
            "intermediate_size")) {
      cases.addAll(badSizes("scout", field));
    }
    cases.addAll(badSizes("dense", "intermediate_size_mlp"));
    cases.addAll(combinations());
    cases.addAll(numbers());
    cases.addAll(lists());
    cases.addAll(absurd());
    return cases;
  }

  private static Hostile field(String oracle, String name, Consumer<ObjectNode> change) {
    return Hostile.of(oracle, name, model -> model.text(change)).is(INVALID_CONFIG, CONFIG);
  }

  private static List<Hostile> badSizes(String oracle, String name) {
    List<Hostile> cases = new ArrayList<>();
    String range = " to 2147483647";
    if (!name.equals("num_local_experts")) {
      cases.add(field(oracle, name + " is 0", c -> c.put(name, 0)).found("0", range));
    }
    cases.add(field(oracle, name + " is absent", c -> c.remove(name)).found("nothing", range));
    cases.add(field(oracle, name + " is -64", c -> c.put(name, -64)).found("-64", range));
    cases.add(field(oracle, name + " is 64.5", c -> c.put(name, 64.5)).found("64.5", range));
    cases.add(field(oracle, name + " is a text", c -> c.put(name, "64")).found("64", range));
    cases.add(
        field(oracle, name + " is 2^31", c -> c.put(name, 1L << 31)).found("2147483648", range));
    cases.add(
        field(oracle, name + " is 2^64", c -> c.put(name, java.math.BigInteger.TWO.pow(64)))
            .found("18446744073709551616", range));
    return cases;
  }

  private static List<Hostile> combinations() {
    return List.of(
        field("dense", "3 key heads for 4 heads", c -> c.put("num_key_value_heads", 3))
            .found("3", "a divisor"),
        field("dense", "8 key heads for 4 heads", c -> c.put("num_key_value_heads", 8))
            .found("8", "a divisor"),
        field("dense", "head_dim is odd", c -> c.put("head_dim", 15)).found("15", "even"),
        field("dense", "head_dim is 0", c -> c.put("head_dim", 0)).found("0", "integer"),
        field(
                "dense",
                "hidden_size is no multiple of the heads",
                c -> {
                  c.remove("head_dim");
                  c.put("num_attention_heads", 6).put("num_key_value_heads", 2);
                })
            .found("6", "a divisor"),
        field(
                "dense",
                "hidden_size has less elements than heads",
                c -> {
                  c.remove("head_dim");
                  c.put("num_attention_heads", 128);
                })
            .found("128", "a divisor"),
        field("scout", "no experts per token", c -> c.put("num_experts_per_tok", 0))
            .found("0", "integer"),
        field("scout", "17 of 16 experts per token", c -> c.put("num_experts_per_tok", 17))
            .found("17", "16"),
        field("scout", "negative experts per token", c -> c.put("num_experts_per_tok", -1))
            .found("-1", "integer"),
        field("scout", "interleave step is -1", c -> c.put("interleave_moe_layer_step", -1))
            .found("-1", "integer"));
  }

  private static List<Hostile> numbers() {
    return List.of(
        field("chunked", "chunk is 0", c -> c.put("attention_chunk_size", 0)).found("0", "integer"),
        field("chunked", "chunk is -8", c -> c.put("attention_chunk_size", -8))
            .found("-8", "integer"),
        field("chunked", "chunk is a text", c -> c.put("attention_chunk_size", "8"))
            .found("8", "integer"),
        field("dense", "rms_norm_eps is 0", c -> c.put("rms_norm_eps", 0)).found("0", "above 0"),
        field("dense", "rms_norm_eps is a text", c -> c.put("rms_norm_eps", "1e-5"))
            .found("1e-5", "number"),
        field("dense", "rms_norm_eps is 1e39", c -> c.put("rms_norm_eps", 1e39))
            .found("1.0E39", "number"),
        field("dense", "rope_theta is 0", c -> c.put("rope_theta", 0)).found("0", "above 0"),
        field("dense", "rope_theta is -1", c -> c.put("rope_theta", -1)).found("-1", "above 0"),
        field("scout", "floor_scale is 1e-60", c -> c.put("floor_scale", 1e-60))
            .found("1.0E-60", "32 bits"),
        field("scout", "floor_scale is 0", c -> c.put("floor_scale", 0)).found("0", "above 0"),
        field("scout", "attn_scale is a text", c -> c.put("attn_scale", "0.1"))
            .found("0.1", "number"),
        field(
                "scout",
                "attn_temperature_tuning is yes",
                c -> c.put("attn_temperature_tuning", "yes"))
            .found("yes", "true or false"),
        field("dense", "use_qk_norm is 1", c -> c.put("use_qk_norm", 1))
            .found("1", "true or false"),
        field("dense", "rope_scaling is a text", c -> c.put("rope_scaling", "llama3"))
            .found("llama3", "an object"),
        field("scout", "rope factor is 0", c -> scaling(c).put("factor", 0)).found("0", "above 0"),
        field("scout", "rope factor is absent", c -> scaling(c).remove("factor"))
            .found("nothing", "above 0"),
        field("scout", "rope type is absent", c -> scaling(c).remove("rope_type"))
            .found("nothing", "llama3"),
        field("scout", "rope factors cross", c -> scaling(c).put("low_freq_factor", 2))
            .found("2", "at most high_freq_factor"),
        field(
                "scout",
                "original positions are 0",
                c -> scaling(c).put("original_max_position_embeddings", 0))
            .found("0", "integer"));
  }

  private static ObjectNode scaling(ObjectNode config) {
    return (ObjectNode) config.get("rope_scaling");
  }

  private static List<Hostile> lists() {
    return List.of(
        field("dense", "no_rope_layers are too few", c -> c.putArray("no_rope_layers").add(1))
            .found("[1]", "4 layers"),
        field(
                "dense",
                "a mark of no_rope_layers is 2",
                c -> c.putArray("no_rope_layers").add(1).add(2).add(1).add(0))
            .found("[1,2,1,0]", "0 and 1"),
        field("dense", "no_rope_layers is a number", c -> c.put("no_rope_layers", 4))
            .found("4", "a list"),
        field("dense", "no_rope_layer_interval is 0", c -> c.put("no_rope_layer_interval", 0))
            .found("0", "integer"),
        field("dense", "layer_types are too few", c -> c.putArray("layer_types").add("x"))
            .found("x", "4 layers"),
        field("scout", "moe_layers name layer 8 of 8", c -> c.putArray("moe_layers").add(8))
            .found("8", "0 to 7"),
        field("scout", "moe_layers name layer -1", c -> c.putArray("moe_layers").add(-1))
            .found("-1", "0 to 7"),
        field("scout", "moe_layers name a text", c -> c.putArray("moe_layers").add("0"))
            .found("0", "0 to 7"));
  }

  /// Values that a model could have, but whose memory must not be taken before the tensors agree.
  private static List<Hostile> absurd() {
    String q = "model.layers.0.self_attn.q_proj.weight";
    return List.of(
        field("dense", "10,001 layers", c -> c.put("num_hidden_layers", 10_001))
            .found("10001", "10000"),
        field("dense", "heads of 2^31 - 2 elements", c -> c.put("head_dim", Integer.MAX_VALUE - 1))
            .found("2147483646", "2147483647"),
        field("dense", "heads of 500,000,000 elements", c -> c.put("head_dim", 500_000_000))
            .is(SHAPE_MISMATCH, ModelCopy.WEIGHTS)
            .tensor(q)
            .found("[64, 64]", "[2000000000, 64]"),
        field("dense", "a vocabulary of 2^31 - 1", c -> c.put("vocab_size", Integer.MAX_VALUE))
            .is(SHAPE_MISMATCH, ModelCopy.WEIGHTS)
            .tensor("model.embed_tokens.weight")
            .found("[512, 64]", "[2147483647, 64]"),
        field("scout", "2^31 - 1 experts", c -> c.put("num_local_experts", Integer.MAX_VALUE))
            .is(SHAPE_MISMATCH, ModelCopy.WEIGHTS)
            .tensor("language_model.model.layers.0.feed_forward.router.weight")
            .found("[16, 64]", "[2147483647, 64]"),
        field(
                "scout",
                "experts of 2^31 - 1 elements",
                c -> c.put("intermediate_size", Integer.MAX_VALUE))
            .is(SHAPE_MISMATCH, ModelCopy.WEIGHTS)
            .tensor("language_model.model.layers.0.feed_forward.experts.gate_up_proj")
            .found("[16, 64, 96]", "[16, 64, 4294967294]"));
  }
}

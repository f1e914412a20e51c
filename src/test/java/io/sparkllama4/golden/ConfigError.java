package io.sparkllama4.golden;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sparkllama4.error.ErrorCode;
import java.util.List;
import java.util.function.Consumer;

/// A size or a layer's kind that is taken from the wrong place of `config.json`, as a reader would
/// that confuses two keys: the checkpoint's tensors must contradict it.
///
/// @param name what is wrong, in a few words
/// @param change what is changed in the configuration
/// @param oracle the checkpoint
/// @param edit changes the configuration of the text model
/// @param code how the checkpoint must then be refused
/// @param tensor part of the name of the tensor that must be blamed
record ConfigError(
    String name,
    String change,
    String oracle,
    Consumer<ObjectNode> edit,
    ErrorCode code,
    String tensor) {

  static final List<ConfigError> ALL =
      List.of(
          new ConfigError(
              "dense width for experts",
              "experts have `intermediate_size_mlp` columns in place of `intermediate_size`",
              "scout",
              text -> text.set("intermediate_size", text.get("intermediate_size_mlp")),
              ErrorCode.SHAPE_MISMATCH,
              "feed_forward.experts.gate_up_proj"),
          new ConfigError(
              "expert width for dense layers",
              "dense layers have `intermediate_size` columns in place of `intermediate_size_mlp`",
              "maverick",
              text -> text.set("intermediate_size_mlp", text.get("intermediate_size")),
              ErrorCode.SHAPE_MISMATCH,
              "layers.0.feed_forward.gate_proj"),
          new ConfigError(
              "mixture layers off by one",
              "layers 0, 2, 4 are mixtures in place of 1, 3, 5",
              "maverick",
              text -> text.putArray("moe_layers").add(0).add(2).add(4),
              ErrorCode.MISSING_TENSOR,
              "layers.0.feed_forward"),
          new ConfigError(
              "as many key heads as query heads",
              "`num_attention_heads` is taken for `num_key_value_heads`",
              "dense",
              text -> text.set("num_key_value_heads", text.get("num_attention_heads")),
              ErrorCode.SHAPE_MISMATCH,
              "self_attn.k_proj"));

  /// Its line in the table of `docs/planted-errors.md`.
  String tableRow() {
    return String.format("| %s | %s | %s | %s of `%s` |", name, change, oracle, code, tensor);
  }

  @Override
  public String toString() {
    return name;
  }
}

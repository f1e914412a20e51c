package io.sparkllama4.weights;

import static io.sparkllama4.error.ErrorCode.INVALID_CONFIG;
import static io.sparkllama4.error.ErrorCode.MISSING_FILE;
import static io.sparkllama4.error.ErrorCode.SHAPE_MISMATCH;
import static io.sparkllama4.error.ErrorCode.UNSUPPORTED_ARCHITECTURE;
import static io.sparkllama4.error.ErrorCode.UNSUPPORTED_FEATURE;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sparkllama4.error.ErrorCode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/// Configurations as files, and what they ask for that this build cannot do.
final class HostileConfigs {
  private static final String CONFIG = "config.json";
  private static final String GENERATION = "generation_config.json";

  private HostileConfigs() {}

  static List<Hostile> all() {
    List<Hostile> cases = new ArrayList<>();
    cases.addAll(files());
    cases.addAll(unsupported());
    cases.addAll(quantizations());
    cases.addAll(schemes());
    cases.addAll(groups());
    cases.addAll(generation());
    return cases;
  }

  private static Hostile text(String name, String json) {
    return Hostile.of("dense", "config.json " + name, model -> model.write(CONFIG, json))
        .is(INVALID_CONFIG, CONFIG);
  }

  private static List<Hostile> files() {
    return List.of(
        text("is empty", "").found("MISSING", "an object"),
        text("is no JSON", "model_type: llama4"),
        text("is a list", "[]").found("ARRAY", "an object"),
        text("is a number", "7").found("NUMBER", "an object"),
        text("is cut off", "{\"model_type\": \"llama4_te"),
        text("is two objects", "{\"model_type\": \"llama4_text\"} {}"),
        text("says a thing twice", "{\"model_type\": \"llama4_text\", \"model_type\": \"x\"}"),
        text("is very deep", "[".repeat(100_000)),
        text("holds NaN", "{\"model_type\": \"llama4_text\", \"rms_norm_eps\": NaN}"),
        Hostile.of(
                "dense",
                "config.json is no UTF-8",
                model ->
                    model.write(
                        CONFIG, "{\"a\": \"\u00e4\"}".getBytes(StandardCharsets.ISO_8859_1)))
            .is(INVALID_CONFIG, CONFIG),
        Hostile.of("dense", "config.json is absent", model -> model.delete(CONFIG))
            .is(MISSING_FILE, CONFIG),
        Hostile.of(
                "dense",
                "config.json is a directory",
                model -> Files.createDirectory(model.delete(CONFIG).file(CONFIG)))
            .is(MISSING_FILE, CONFIG),
        Hostile.of("dense", "config.json has 3 GB", model -> model.resize(CONFIG, 3_000_000_000L))
            .is(INVALID_CONFIG, CONFIG)
            .found("3000000000", "bytes"),
        Hostile.of(
                "scout",
                "text_config is a list",
                model -> model.config(c -> c.putArray("text_config")))
            .is(INVALID_CONFIG, CONFIG)
            .found("[]", "an object"));
  }

  private static Hostile dense(String name, Consumer<ObjectNode> change, ErrorCode code) {
    return Hostile.of("dense", name, model -> model.text(change)).is(code, CONFIG);
  }

  private static List<Hostile> unsupported() {
    return List.of(
        dense("model_type is llama", c -> c.put("model_type", "llama"), UNSUPPORTED_ARCHITECTURE)
            .found("llama", "llama4"),
        dense("model_type is absent", c -> c.remove("model_type"), UNSUPPORTED_ARCHITECTURE)
            .found("no model_type", "llama4"),
        dense("model_type is a number", c -> c.put("model_type", 4), INVALID_CONFIG)
            .found("4", "a text"),
        Hostile.of(
                "scout",
                "the text model's type is qwen3_moe",
                model -> model.text(c -> c.put("model_type", "qwen3_moe")))
            .is(UNSUPPORTED_ARCHITECTURE, CONFIG)
            .found("qwen3_moe", "llama4_text"),
        dense("hidden_act is gelu", c -> c.put("hidden_act", "gelu"), UNSUPPORTED_FEATURE)
            .found("gelu", "silu"),
        dense(
                "rope type is yarn",
                c -> c.putObject("rope_scaling").put("rope_type", "yarn").put("factor", 4),
                UNSUPPORTED_FEATURE)
            .found("yarn", "llama3"),
        dense(
                "rope type is dynamic, by its old name",
                c -> c.putObject("rope_scaling").put("type", "dynamic").put("factor", 4),
                UNSUPPORTED_FEATURE)
            .found("dynamic", "llama3"),
        dense(
                "rope_parameters are of type linear",
                c -> c.putObject("rope_parameters").put("rope_type", "linear").put("factor", 4),
                UNSUPPORTED_FEATURE)
            .found("linear", "llama3"),
        dense(
                "a layer is of type sliding_attention",
                c ->
                    c.putArray("layer_types")
                        .add("full_attention")
                        .add("sliding_attention")
                        .add("full_attention")
                        .add("full_attention"),
                UNSUPPORTED_FEATURE)
            .found("sliding_attention", "chunked_attention"));
  }

  private static Hostile quantized(
      String oracle, String name, ErrorCode code, Consumer<ObjectNode> change) {
    return Hostile.of(
            oracle,
            name,
            model -> model.config(c -> change.accept((ObjectNode) c.get("quantization_config"))))
        .is(code, CONFIG);
  }

  private static ObjectNode weights(ObjectNode quantization) {
    return (ObjectNode) quantization.at("/config_groups/group_0/weights");
  }

  private static List<Hostile> quantizations() {
    List<Hostile> cases = new ArrayList<>();
    for (String method : List.of("awq", "gptq", "fbgemm_fp8", "bitsandbytes", "modelopt")) {
      cases.add(
          quantized(
                  "fp8",
                  "quant_method is " + method,
                  UNSUPPORTED_FEATURE,
                  q -> q.put("quant_method", method))
              .found(method, "compressed-tensors"));
    }
    cases.add(
        quantized("fp8", "no quant_method", UNSUPPORTED_FEATURE, q -> q.remove("quant_method"))
            .found("nothing", "compressed-tensors"));
    cases.add(
        quantized(
                "fp8",
                "format is int-quantized",
                UNSUPPORTED_FEATURE,
                q -> q.put("format", "int-quantized"))
            .found("int-quantized", "float-quantized"));
    cases.add(
        quantized(
                "fp8",
                "the cache is quantised",
                UNSUPPORTED_FEATURE,
                q -> q.putObject("kv_cache_scheme").put("num_bits", 8))
            .found("num_bits", "null"));
    return cases;
  }

  private static List<Hostile> schemes() {
    List<Hostile> cases = new ArrayList<>();
    cases.add(
        quantized(
                "fp8",
                "one scale for a tensor",
                UNSUPPORTED_FEATURE,
                q -> weights(q).put("strategy", "tensor"))
            .found("tensor", "channel"));
    cases.add(
        quantized(
                "w4a16",
                "weights have 3 bits",
                UNSUPPORTED_FEATURE,
                q -> weights(q).put("num_bits", 3))
            .found("3", "4"));
    cases.add(
        quantized(
                "w4a16",
                "weights are asymmetric",
                UNSUPPORTED_FEATURE,
                q -> weights(q).put("symmetric", false))
            .found("false", "true"));
    cases.add(
        quantized(
                "w4a16",
                "columns are reordered",
                UNSUPPORTED_FEATURE,
                q -> weights(q).put("actorder", "group"))
            .found("group", "null"));
    for (int group : List.of(0, -128)) {
      cases.add(
          quantized(
                  "w4a16",
                  "group_size is " + group,
                  INVALID_CONFIG,
                  q -> weights(q).put("group_size", group))
              .found(Integer.toString(group), "integer"));
    }
    return cases;
  }

  private static List<Hostile> groups() {
    List<Hostile> cases = new ArrayList<>();
    cases.add(
        quantized("w4a16", "no config_groups", INVALID_CONFIG, q -> q.remove("config_groups"))
            .found("nothing", "an object"));
    cases.add(
        quantized(
                "w4a16",
                "two groups with weights",
                UNSUPPORTED_FEATURE,
                q -> {
                  ObjectNode groups = (ObjectNode) q.get("config_groups");
                  groups.set("group_1", groups.get("group_0").deepCopy());
                })
            .found("group_0", "one group"));
    cases.add(
        Hostile.of(
                "w4a16",
                "quantization_config is a text",
                model -> model.config(c -> c.put("quantization_config", "fp8")))
            .is(INVALID_CONFIG, CONFIG)
            .found("fp8", "an object"));
    cases.add(
        quantized(
                "w4a16",
                "group_size is another",
                SHAPE_MISMATCH,
                q -> weights(q).put("group_size", 64))
            .is(SHAPE_MISMATCH, "model-00002-of-00002.safetensors")
            .tensor("language_model.model.layers.0.feed_forward.experts.0.gate_proj.weight_scale")
            .found("[128, 2]", "[128, 4]"));
    return cases;
  }

  private static Hostile generation(String name, String json) {
    return Hostile.of("dense", "generation_config.json " + name, m -> m.write(GENERATION, json))
        .is(INVALID_CONFIG, GENERATION);
  }

  private static List<Hostile> generation() {
    return List.of(
        generation("is no JSON", "{eos_token_id}"),
        generation("is a list", "[]").found("ARRAY", "an object"),
        generation("has a stop id that is text", "{\"eos_token_id\": \"</s>\"}")
            .found("</s>", "a list"),
        generation("has a negative stop id", "{\"eos_token_id\": -1}").found("-1", "integer"),
        generation("lists a stop id of 1.5", "{\"eos_token_id\": [1, 1.5]}")
            .found("[1,1.5]", "a token id"),
        Hostile.of(
                "dense",
                "generation_config.json has 3 GB",
                model -> model.resize(GENERATION, 3_000_000_000L))
            .is(INVALID_CONFIG, GENERATION)
            .found("3000000000", "bytes"));
  }
}

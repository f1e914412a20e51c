package io.sparkllama4.weights;

import static io.sparkllama4.error.ErrorCode.DTYPE_MISMATCH;
import static io.sparkllama4.error.ErrorCode.MISSING_TENSOR;
import static io.sparkllama4.error.ErrorCode.SHAPE_MISMATCH;
import static io.sparkllama4.error.ErrorCode.UNSUPPORTED_FEATURE;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/// Files that are sound, but do not hold what the configuration asks for.
final class HostileTensors {
  private static final String WEIGHTS = ModelCopy.WEIGHTS;
  private static final String PACKED = "model-00001-of-00002.safetensors";
  private static final String LAYER = "language_model.model.layers.0.";
  private static final String EXPERTS = LAYER + "feed_forward.experts.";
  private static final String FP8_EXPERT =
      "language_model.model.layers.1.feed_forward.experts.0.gate_proj.weight";

  /// A packed matrix of the first shard: 128 outputs of 256 inputs.
  private static final String INT4_EXPERT = EXPERTS + "0.gate_proj.weight_";

  private HostileTensors() {}

  static List<Hostile> all() {
    List<Hostile> cases = new ArrayList<>();
    cases.addAll(missing());
    cases.addAll(shapes());
    cases.addAll(types());
    cases.addAll(fp8());
    cases.addAll(int4());
    return cases;
  }

  private static List<Hostile> missing() {
    List<Hostile> cases = new ArrayList<>();
    for (String name :
        List.of(
            "language_model.lm_head.weight",
            "language_model.model.embed_tokens.weight",
            "language_model.model.norm.weight",
            LAYER + "input_layernorm.weight",
            LAYER + "post_attention_layernorm.weight",
            LAYER + "self_attn.q_proj.weight",
            LAYER + "self_attn.v_proj.weight",
            LAYER + "self_attn.o_proj.weight",
            LAYER + "feed_forward.router.weight",
            EXPERTS + "gate_up_proj",
            EXPERTS + "down_proj",
            LAYER + "feed_forward.shared_expert.up_proj.weight",
            "language_model.model.layers.7.self_attn.k_proj.weight")) {
      cases.add(
          Hostile.of("scout", "no " + name, m -> m.header(WEIGHTS, h -> h.remove(name)))
              .is(MISSING_TENSOR, WEIGHTS)
              .tensor(name)
              .found("nothing", "a tensor of this name"));
    }
    cases.add(
        Hostile.of("dense", "no tensors at all", m -> m.write(WEIGHTS, ModelCopy.headerAlone("{}")))
            .is(MISSING_TENSOR, WEIGHTS)
            .tensor("model.embed_tokens.weight")
            .found("nothing", "a tensor of this name"));
    cases.add(
        Hostile.of(
                "dense",
                "attention_bias without biases",
                model -> model.text(c -> c.put("attention_bias", true)))
            .is(MISSING_TENSOR, WEIGHTS)
            .tensor("model.layers.0.self_attn.q_proj.bias")
            .found("nothing", "a tensor of this name"));
    cases.add(
        Hostile.of(
                "dense",
                "a layer more than there is",
                model -> model.text(c -> c.put("num_hidden_layers", 5)))
            .is(MISSING_TENSOR, WEIGHTS)
            .tensor("model.layers.4.input_layernorm.weight")
            .found("nothing", "a tensor of this name"));
    cases.add(
        Hostile.of(
                "dense",
                "experts that are not there",
                model ->
                    model.text(c -> c.put("num_local_experts", 4).putArray("moe_layers").add(2)))
            .is(MISSING_TENSOR, WEIGHTS)
            .tensor("model.layers.2.feed_forward.router.weight")
            .found("nothing", "a tensor of this name"));
    return cases;
  }

  private static Hostile shape(String name, String expected, int... sizes) {
    return Hostile.of(
            "scout",
            "shape of " + name,
            model ->
                model.tensor(
                    WEIGHTS,
                    name,
                    tensor -> {
                      var shape = tensor.putArray("shape");
                      for (int size : sizes) {
                        shape.add(size);
                      }
                    }))
        .is(SHAPE_MISMATCH, WEIGHTS)
        .tensor(name)
        .found(java.util.Arrays.toString(sizes), expected);
  }

  private static List<Hostile> shapes() {
    return List.of(
        shape("language_model.model.embed_tokens.weight", "[512, 64]", 64, 512),
        shape("language_model.lm_head.weight", "[512, 64]", 32_768),
        shape("language_model.model.norm.weight", "[64]", 1, 64),
        shape(LAYER + "self_attn.k_proj.weight", "[32, 64]", 64, 32),
        shape(LAYER + "feed_forward.router.weight", "[16, 64]", 64, 16),
        shape(EXPERTS + "gate_up_proj", "[16, 64, 96]", 16, 96, 64),
        shape(EXPERTS + "down_proj", "[16, 48, 64]", 8, 96, 64),
        Hostile.of("scout", "a wider model", model -> model.text(c -> c.put("hidden_size", 128)))
            .is(SHAPE_MISMATCH, WEIGHTS)
            .tensor("language_model.model.embed_tokens.weight")
            .found("[512, 64]", "[512, 128]"),
        Hostile.of("scout", "wider heads", model -> model.text(c -> c.put("head_dim", 32)))
            .is(SHAPE_MISMATCH, WEIGHTS)
            .tensor(LAYER + "self_attn.q_proj.weight")
            .found("[64, 64]", "[128, 64]"));
  }

  private static Hostile type(String dtype, String tensor) {
    return Hostile.of(
            "scout",
            tensor + " as " + dtype,
            model -> model.tensor(WEIGHTS, tensor, t -> t.put("dtype", dtype)))
        .is(DTYPE_MISMATCH, WEIGHTS)
        .tensor(tensor)
        .found(dtype, "BF16");
  }

  private static List<Hostile> types() {
    return List.of(
        type("I16", "language_model.model.norm.weight"),
        type("U16", LAYER + "self_attn.q_proj.weight"),
        type("F3", LAYER + "self_attn.q_proj.weight"),
        type("bf16", EXPERTS + "down_proj"),
        type("", EXPERTS + "down_proj")
            .is(io.sparkllama4.error.ErrorCode.INVALID_HEADER, WEIGHTS)
            .tensor("")
            .found("", ""),
        Hostile.of(
                "dense",
                "eight-bit weights without scales",
                model ->
                    model.tensor(
                        WEIGHTS,
                        "model.layers.3.self_attn.q_proj.weight",
                        HostileTensors::eightBits))
            .is(DTYPE_MISMATCH, WEIGHTS)
            .tensor("model.layers.3.self_attn.q_proj.weight")
            .found("F8_E4M3", "with a weight_scale"),
        Hostile.of(
                "dense",
                "an eight-bit norm",
                model -> model.tensor(WEIGHTS, "model.norm.weight", HostileTensors::eightBits))
            .is(DTYPE_MISMATCH, WEIGHTS)
            .tensor("model.norm.weight")
            .found("F8_E4M3", "BF16"));
  }

  /// Keeps the shape and takes the first half of the bytes.
  private static void eightBits(ObjectNode tensor) {
    long begin = tensor.get("data_offsets").get(0).longValue();
    long end = tensor.get("data_offsets").get(1).longValue();
    tensor.put("dtype", "F8_E4M3");
    tensor.putArray("data_offsets").add(begin).add(begin + (end - begin) / 2);
  }

  private static List<Hostile> fp8() {
    String scale = FP8_EXPERT + "_scale";
    return List.of(
        Hostile.of("fp8", "no scale", model -> model.header(WEIGHTS, h -> h.remove(scale)))
            .is(MISSING_TENSOR, WEIGHTS)
            .tensor(scale)
            .found("nothing", "a tensor of this name"),
        Hostile.of(
                "fp8",
                "scales in a row",
                model -> model.tensor(WEIGHTS, scale, t -> t.putArray("shape").add(1).add(48)))
            .is(SHAPE_MISMATCH, WEIGHTS)
            .tensor(scale)
            .found("[1, 48]", "[48, 1]"),
        Hostile.of(
                "fp8",
                "integer scales",
                model -> model.tensor(WEIGHTS, scale, t -> t.put("dtype", "I16")))
            .is(DTYPE_MISMATCH, WEIGHTS)
            .tensor(scale)
            .found("I16", "BF16"),
        Hostile.of(
                "fp8",
                "eight-bit floats of the other kind",
                model -> model.tensor(WEIGHTS, FP8_EXPERT, t -> t.put("dtype", "F8_E5M2")))
            .is(DTYPE_MISMATCH, WEIGHTS)
            .tensor(FP8_EXPERT)
            .found("F8_E5M2", "F8_E4M3"),
        Hostile.of(
                "fp8",
                "eight-bit integers",
                model -> model.tensor(WEIGHTS, FP8_EXPERT, t -> t.put("dtype", "I8")))
            .is(DTYPE_MISMATCH, WEIGHTS)
            .tensor(FP8_EXPERT)
            .found("I8", "F8_E4M3"));
  }

  private static Hostile statedShape(String name, long rows, long columns) {
    byte[] bytes =
        ByteBuffer.allocate(16)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(rows)
            .putLong(columns)
            .array();
    return Hostile.of("w4a16", name, model -> model.fill(PACKED, INT4_EXPERT + "shape", bytes))
        .is(SHAPE_MISMATCH, PACKED)
        .tensor(INT4_EXPERT + "shape")
        .found("[" + rows + ", " + columns + "]", "[128, 256]");
  }

  private static Hostile extra(String part) {
    String name = INT4_EXPERT + part;
    return Hostile.of(
            "w4a16",
            "there is a " + part,
            model ->
                model.header(
                    PACKED,
                    header ->
                        header
                            .putObject(name)
                            .put("dtype", "I32")
                            .<ObjectNode>set("shape", header.arrayNode().add(0))
                            .set("data_offsets", header.arrayNode().add(0).add(0))))
        .is(UNSUPPORTED_FEATURE, PACKED)
        .tensor(name)
        .found(part, "symmetric");
  }

  private static List<Hostile> int4() {
    return List.of(
        statedShape("another stated shape", 256, 128),
        statedShape("a negative stated shape", -128, 256),
        statedShape("an absurd stated shape", Long.MAX_VALUE, Long.MAX_VALUE),
        statedShape("a stated shape of nothing", 0, 0),
        extra("zero_point"),
        extra("g_idx"),
        Hostile.of(
                "w4a16",
                "packed as eight-bit integers",
                model ->
                    model.tensor(
                        PACKED,
                        INT4_EXPERT + "packed",
                        t -> t.put("dtype", "U8").putArray("shape").add(128).add(128)))
            .is(SHAPE_MISMATCH, PACKED)
            .tensor(INT4_EXPERT + "packed")
            .found("[128, 128]", "[128, 32]"),
        Hostile.of(
                "w4a16",
                "packed as floats",
                m -> m.tensor(PACKED, INT4_EXPERT + "packed", t -> t.put("dtype", "F32")))
            .is(DTYPE_MISMATCH, PACKED)
            .tensor(INT4_EXPERT + "packed")
            .found("F32", "I32"),
        Hostile.of(
                "w4a16",
                "a stated shape of unsigned integers",
                m -> m.tensor(PACKED, INT4_EXPERT + "shape", t -> t.put("dtype", "U64")))
            .is(DTYPE_MISMATCH, PACKED)
            .tensor(INT4_EXPERT + "shape")
            .found("U64", "I64"));
  }
}

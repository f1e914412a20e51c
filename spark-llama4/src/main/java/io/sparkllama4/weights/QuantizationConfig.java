package io.sparkllama4.weights;

/// Which quantised storage a checkpoint announces. Which of its tensors really are quantised is
/// read off their names.
///
/// @param format the kind
/// @param group columns that share a scale, for [Format#INT4_GROUPS]
public record QuantizationConfig(Format format, int group) {
  /// Kinds of storage.
  public enum Format {
    NONE,
    /// 8-bit floats with a scale per output.
    FP8_ROWS,
    /// 4-bit integers with a scale per output and group of inputs.
    INT4_GROUPS
  }

  static final QuantizationConfig NONE = new QuantizationConfig(Format.NONE, 0);

  /// Reads `quantization_config`, refusing by name what is not supported.
  static QuantizationConfig read(ConfigNode config) {
    if (!config.has("quantization_config")) {
      return NONE;
    }
    ConfigNode quantization = config.object("quantization_config");
    if (!quantization.text("quant_method", "").equals("compressed-tensors")) {
      throw quantization.unsupported("quant_method", "compressed-tensors");
    }
    if (quantization.has("kv_cache_scheme")) {
      throw quantization.unsupported("kv_cache_scheme", "null: quantised KV caches are not built");
    }
    Format format =
        switch (quantization.text("format", "")) {
          case "float-quantized" -> Format.FP8_ROWS;
          case "pack-quantized" -> Format.INT4_GROUPS;
          default -> throw quantization.unsupported("format", "float-quantized, pack-quantized");
        };
    ConfigNode groups = quantization.object("config_groups");
    int group = 0;
    int weightSchemes = 0;
    var names = groups.node().fieldNames();
    while (names.hasNext()) {
      ConfigNode scheme = groups.object(names.next());
      if (scheme.has("weights")) {
        group = checkWeights(scheme.object("weights"), format);
        weightSchemes++;
      }
    }
    if (weightSchemes != 1) {
      throw quantization.unsupported("config_groups", "one group with weights");
    }
    return new QuantizationConfig(format, group);
  }

  private static int checkWeights(ConfigNode weights, Format format) {
    boolean fp8 = format == Format.FP8_ROWS;
    require(
        weights,
        "type",
        weights.text("type", "").equals(fp8 ? "float" : "int"),
        fp8 ? "float" : "int");
    require(weights, "num_bits", weights.count("num_bits", 0) == (fp8 ? 8 : 4), fp8 ? "8" : "4");
    require(weights, "symmetric", weights.flag("symmetric", true), "true");
    require(weights, "dynamic", !weights.flag("dynamic", false), "false");
    require(weights, "actorder", !weights.has("actorder"), "null");
    String strategy = weights.text("strategy", fp8 ? "channel" : "group");
    require(
        weights, "strategy", strategy.equals(fp8 ? "channel" : "group"), fp8 ? "channel" : "group");
    return fp8 ? 0 : weights.size("group_size");
  }

  private static void require(ConfigNode weights, String name, boolean holds, String expected) {
    if (!holds) {
      throw weights.unsupported(name, expected);
    }
  }
}

package io.sparkllama4.weights;

import com.fasterxml.jackson.databind.JsonNode;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.model.DecoderSpec;
import java.util.List;

/// What `config.json` says, checked by itself.
///
/// @param spec the decoder
/// @param quantization how its weights may be stored
/// @param bosId the token that begins a text, or [#NO_ID]
/// @param eosIds the tokens that end an answer; may be empty
/// @param warnings what is odd
public record ModelConfig(
    DecoderSpec spec,
    QuantizationConfig quantization,
    int bosId,
    List<Integer> eosIds,
    List<Warning> warnings) {

  /// No such token.
  public static final int NO_ID = -1;

  /// Copies the lists.
  public ModelConfig {
    eosIds = List.copyOf(eosIds);
    warnings = List.copyOf(warnings);
  }

  /// Reads a configuration of any family that this build knows.
  static ModelConfig of(JsonNode json) {
    ConfigNode config = new ConfigNode("config.json", json, "");
    String type = config.text("model_type", "");
    if (type.equals("llama4") || type.equals("llama4_text")) {
      return Llama4Config.read(config);
    }
    throw ErrorReport.of(
            ErrorCode.UNSUPPORTED_ARCHITECTURE,
            "Cannot run a model of type [" + type + "]: this build knows Llama 4 alone")
        .file("config.json")
        .found(type.isEmpty() ? "no model_type" : type, "llama4, llama4_text")
        .exception();
  }
}

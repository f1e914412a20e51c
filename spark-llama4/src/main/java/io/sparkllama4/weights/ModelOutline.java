package io.sparkllama4.weights;

import com.fasterxml.jackson.databind.JsonNode;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.model.DecoderSpec;
import java.nio.file.Path;
import java.util.List;

/// What `config.json` says of a model whose weights need not be there: enough to plan for it.
///
/// @param spec the decoder
/// @param visionParameters weights of the image encoder and of its projector; 0 where the
///     configuration has no `vision_config`
/// @param warnings what is odd
public record ModelOutline(DecoderSpec spec, long visionParameters, List<Warning> warnings) {

  /// Copies the list.
  public ModelOutline {
    warnings = List.copyOf(warnings);
  }

  /// Reads `config.json` of `directory`, and no other file.
  ///
  /// @throws io.sparkllama4.error.Llama4Exception with a code of the directory or of its
  ///     config.json
  public static ModelOutline read(Path directory) {
    return of(Checkpoint.configJson(directory));
  }

  /// Reads the content of a `config.json`.
  ///
  /// @throws io.sparkllama4.error.Llama4Exception with a code of a config.json
  public static ModelOutline read(byte[] json) {
    return of(JsonFiles.readObject("config.json", json, ErrorCode.INVALID_CONFIG));
  }

  private static ModelOutline of(JsonNode json) {
    ModelConfig config = ModelConfig.of(json);
    ConfigNode top = new ConfigNode("config.json", json, "");
    long vision =
        top.has("vision_config")
            ? VisionConfig.read(top.object("vision_config")).parameters(config.spec().hidden())
            : 0;
    return new ModelOutline(config.spec(), vision, config.warnings());
  }
}

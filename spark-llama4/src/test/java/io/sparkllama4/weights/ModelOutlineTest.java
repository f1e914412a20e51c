package io.sparkllama4.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.Llama4Exception;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// A configuration by itself, with the image encoder that the engine leaves out.
class ModelOutlineTest {
  private static final String TEXT =
      """
      "vocab_size": 512, "hidden_size": 64, "intermediate_size": 48, "intermediate_size_mlp": 112,
      "num_hidden_layers": 8, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16,
      "max_position_embeddings": 4096, "num_local_experts": 16, "num_experts_per_tok": 1
      """;

  private static final String VISION =
      """
      {"hidden_size": 32, "intermediate_size": 128, "num_hidden_layers": 2, "num_channels": 3,
       "image_size": 56, "patch_size": 14, "pixel_shuffle_ratio": 0.5, "projector_input_dim": 48,
       "projector_output_dim": 40, "vision_output_dim": 40}
      """;

  private static ModelOutline read(String json) {
    return ModelOutline.read(json.getBytes(StandardCharsets.UTF_8));
  }

  private static String nested(String vision) {
    return "{\"model_type\": \"llama4\", \"text_config\": {"
        + TEXT
        + "}, \"vision_config\": "
        + vision
        + "}";
  }

  @Test
  void flatConfigurationsHaveNoImageEncoder() {
    ModelOutline outline = read("{\"model_type\": \"llama4_text\", " + TEXT + "}");
    assertThat(outline.visionParameters()).isZero();
    assertThat(outline.spec().layers()).hasSize(8);
    assertThat(outline.spec().maxPositions()).isEqualTo(4096);
  }

  /// Tensor by tensor: class, positions and patches; two norms around; two layers of four
  /// projections, two matrices, two norms; two matrices of the adapter, one of the projector.
  @Test
  void imageEncoder() {
    long embeddings = 32 + 17 * 32 + 588 * 32;
    long layer = 4 * (32 * 32 + 32) + (128 * 32 + 128) + (32 * 128 + 32) + 2 * 64;
    long adapter = 48 * 128 + 40 * 48;
    long projector = 64 * 40;
    assertThat(read(nested(VISION)).visionParameters())
        .isEqualTo(embeddings + 2 * 64 + 2 * layer + adapter + projector);
  }

  @ParameterizedTest
  @CsvSource({
    "\"patch_size\": 14,\"patch_size\": 13",
    "\"hidden_size\": 32,\"hidden_size\": 0",
    "\"vision_output_dim\": 40,\"vision_output_dim\": \"x\"",
    "\"pixel_shuffle_ratio\": 0.5,\"pixel_shuffle_ratio\": 0"
  })
  void sizesThatCannotBe(String right, String wrong) {
    assertThatThrownBy(() -> read(nested(VISION.replace(right, wrong))))
        .isInstanceOfSatisfying(
            Llama4Exception.class,
            e -> {
              assertThat(e.report().code()).isEqualTo(ErrorCode.INVALID_CONFIG);
              assertThat(e.report().message()).contains("vision_config.");
            });
  }

  @Test
  void whatIsNoJson() {
    assertThatThrownBy(() -> read("{"))
        .isInstanceOfSatisfying(
            Llama4Exception.class,
            e -> assertThat(e.report().code()).isEqualTo(ErrorCode.INVALID_CONFIG));
  }
}

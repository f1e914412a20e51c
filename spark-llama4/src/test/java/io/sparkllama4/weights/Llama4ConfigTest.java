package io.sparkllama4.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sparkllama4.backend.AttentionSpec;
import io.sparkllama4.backend.Temperature;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.Llama4Exception;
import io.sparkllama4.model.DecoderSpec;
import io.sparkllama4.model.LayerSpec;
import io.sparkllama4.model.Rotary;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What the forms in which Llama 4's configuration has been published mean.
class Llama4ConfigTest {
  private static final LayerSpec.Mixture MIXTURE = new LayerSpec.Mixture(16, 1, 48, 48);
  private static final LayerSpec.Dense DENSE = new LayerSpec.Dense(112);

  /// Sizes alone, of eight layers; everything else has its default.
  private static ObjectNode sizes() {
    return JsonNodeFactory.instance
        .objectNode()
        .put("model_type", "llama4_text")
        .put("vocab_size", 512)
        .put("hidden_size", 64)
        .put("intermediate_size", 48)
        .put("intermediate_size_mlp", 112)
        .put("num_hidden_layers", 8)
        .put("num_attention_heads", 4)
        .put("num_key_value_heads", 2)
        .put("head_dim", 16)
        .put("max_position_embeddings", 4096)
        .put("num_local_experts", 16)
        .put("num_experts_per_tok", 1);
  }

  private static ModelConfig flat(Consumer<ObjectNode> change) {
    ObjectNode config = sizes();
    change.accept(config);
    return ModelConfig.of(config);
  }

  private static DecoderSpec spec(Consumer<ObjectNode> change) {
    return flat(change).spec();
  }

  private static List<Integer> layers(DecoderSpec spec, Predicate<LayerSpec> wanted) {
    return IntStream.range(0, spec.layers().size())
        .filter(i -> wanted.test(spec.layers().get(i)))
        .boxed()
        .toList();
  }

  private static List<Integer> ropeLayers(DecoderSpec spec) {
    return layers(spec, layer -> layer.attention().usesRope());
  }

  private static List<Integer> mixtures(DecoderSpec spec) {
    return layers(spec, layer -> layer.feedForward() instanceof LayerSpec.Mixture);
  }

  private static AttentionSpec attention(DecoderSpec spec, int layer) {
    return spec.layers().get(layer).attention();
  }

  @Test
  void defaultsAreThoseOfThePublishedImplementation() {
    ModelConfig config = flat(c -> {});
    DecoderSpec spec = config.spec();
    assertThat(spec.normEpsilon()).isEqualTo(1e-5f);
    assertThat(spec.tiedEmbedding()).isFalse();
    assertThat(spec.rotary()).isEqualTo(new Rotary(500_000, new Rotary.Unscaled()));
    assertThat(ropeLayers(spec)).containsExactly(0, 1, 2, 4, 5, 6);
    assertThat(mixtures(spec)).containsExactly(0, 1, 2, 3, 4, 5, 6, 7);
    assertThat(spec.layers()).allMatch(layer -> !layer.attentionBias());
    assertThat(spec.layers()).allMatch(layer -> layer.feedForward().equals(MIXTURE));
    assertThat(attention(spec, 0))
        .isEqualTo(new AttentionSpec(4, 2, 16, true, true, Temperature.NONE, 8192));
    assertThat(attention(spec, 3))
        .isEqualTo(new AttentionSpec(4, 2, 16, false, false, new Temperature(8192, 0.1), 0));
    assertThat(config.quantization()).isEqualTo(QuantizationConfig.NONE);
    assertThat(config.bosId()).isEqualTo(ModelConfig.NO_ID);
    assertThat(config.eosIds()).isEmpty();
    assertThat(config.warnings()).isEmpty();
  }

  @Test
  void nestedBesideAVisionModelOrFlatIsTheSameModel() {
    ObjectNode text = sizes().put("eos_token_id", 7).put("bos_token_id", 3);
    ObjectNode nested = JsonNodeFactory.instance.objectNode().put("model_type", "llama4");
    nested.putObject("vision_config").put("hidden_size", 32).put("num_hidden_layers", 2);
    nested.put("tie_word_embeddings", false).set("text_config", text.deepCopy());
    assertThat(ModelConfig.of(nested)).isEqualTo(ModelConfig.of(text));
    ((ObjectNode) nested.get("text_config")).remove("model_type");
    assertThat(ModelConfig.of(nested)).isEqualTo(ModelConfig.of(text));
    assertThat(ModelConfig.of(text.put("model_type", "llama4")))
        .as("flat, by the outer name")
        .isEqualTo(ModelConfig.of(nested));
  }

  @Test
  void idsStandInTheTextModelsPartOrAtTheTop() {
    ObjectNode nested = JsonNodeFactory.instance.objectNode().put("model_type", "llama4");
    nested.put("bos_token_id", 1).putArray("eos_token_id").add(2).add(3);
    nested.set("text_config", sizes());
    assertThat(ModelConfig.of(nested).eosIds()).containsExactly(2, 3);
    assertThat(ModelConfig.of(nested).bosId()).isEqualTo(1);
    ((ObjectNode) nested.get("text_config")).put("bos_token_id", 4).put("eos_token_id", 5);
    assertThat(ModelConfig.of(nested).eosIds()).containsExactly(5);
    assertThat(ModelConfig.of(nested).bosId()).isEqualTo(4);
  }

  @ParameterizedTest
  @CsvSource({"4,true", "1,true", "0,false", "true,true", "false,false", "null,true"})
  void temperatureTuningIsAFlagThatEarlyFilesWroteAsAnInteger(String value, boolean isOn)
      throws JsonProcessingException {
    JsonNode written = JsonMapper.builder().build().readTree(value);
    DecoderSpec spec = spec(c -> c.set("attn_temperature_tuning", written));
    assertThat(attention(spec, 3).temperature())
        .isEqualTo(isOn ? new Temperature(8192, 0.1) : Temperature.NONE);
    assertThat(attention(spec, 2).temperature()).as("rope").isEqualTo(Temperature.NONE);
  }

  @Test
  void floorAndStrengthOfTheTemperature() {
    DecoderSpec spec = spec(c -> c.put("floor_scale", 4).put("attn_scale", 0.5));
    assertThat(attention(spec, 7).temperature()).isEqualTo(new Temperature(4, 0.5));
  }

  @Test
  void noRopeLayersMarksThoseWithRope() {
    DecoderSpec spec =
        spec(
            c -> {
              c.put("no_rope_layer_interval", 2);
              var marks = c.putArray("no_rope_layers");
              List.of(1, 0, 0, 1, 1, 0, 1, 0).forEach(marks::add);
            });
    assertThat(ropeLayers(spec))
        .as("a written list counts, not the interval")
        .containsExactly(0, 3, 4, 6);
    assertThat(layers(spec, layer -> layer.attention().isChunked())).containsExactly(0, 3, 4, 6);
    assertThat(layers(spec, layer -> layer.attention().normalizesHeads()))
        .containsExactly(0, 3, 4, 6);
  }

  @Test
  void anEmptyOrAbsentListOfNoRopeLayersMeansTheInterval() {
    assertThat(ropeLayers(spec(c -> c.putArray("no_rope_layers"))))
        .containsExactly(0, 1, 2, 4, 5, 6);
    assertThat(ropeLayers(spec(c -> c.putNull("no_rope_layers"))))
        .containsExactly(0, 1, 2, 4, 5, 6);
    assertThat(ropeLayers(spec(c -> c.put("no_rope_layer_interval", 3))))
        .containsExactly(0, 1, 3, 4, 6, 7);
    assertThat(ropeLayers(spec(c -> c.put("no_rope_layer_interval", 1)))).isEmpty();
    assertThat(ropeLayers(spec(c -> c.put("no_rope_layer_interval", 9)))).hasSize(8);
  }

  @Test
  void moeLayersCountBeforeTheStep() {
    assertThat(mixtures(spec(c -> c.put("interleave_moe_layer_step", 2))))
        .containsExactly(1, 3, 5, 7);
    assertThat(mixtures(spec(c -> c.put("interleave_moe_layer_step", 3)))).containsExactly(2, 5);
    assertThat(mixtures(spec(c -> c.put("interleave_moe_layer_step", 0)))).isEmpty();
    DecoderSpec written =
        spec(c -> c.put("interleave_moe_layer_step", 2).putArray("moe_layers").add(4).add(0));
    assertThat(mixtures(written)).containsExactly(0, 4);
    assertThat(written.layers().get(1).feedForward()).isEqualTo(DENSE);
    assertThat(written.layers().get(4).feedForward()).isEqualTo(MIXTURE);
    assertThat(mixtures(spec(c -> c.putArray("moe_layers")))).as("none, not all").isEmpty();
    assertThat(mixtures(spec(c -> c.putNull("moe_layers")))).as("the step's").hasSize(8);
  }

  @Test
  void noExpertsMeansNoMixturesWhateverTheListsSay() {
    DecoderSpec spec = spec(c -> c.put("num_local_experts", 0).putArray("moe_layers").add(1));
    assertThat(mixtures(spec)).isEmpty();
    assertThat(spec.layers()).allMatch(layer -> layer.feedForward().equals(DENSE));
  }

  @Test
  void aModelOfMixturesNeedsNoDenseWidth() {
    assertThat(mixtures(spec(c -> c.remove("intermediate_size_mlp")))).hasSize(8);
    assertThatThrownBy(
            () -> spec(c -> c.put("interleave_moe_layer_step", 2).remove("intermediate_size_mlp")))
        .isInstanceOfSatisfying(
            Llama4Exception.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_CONFIG));
  }

  @Test
  void severalExpertsPerToken() {
    DecoderSpec spec = spec(c -> c.put("num_experts_per_tok", 4));
    assertThat(spec.layers().getFirst().feedForward())
        .isEqualTo(new LayerSpec.Mixture(16, 4, 48, 48));
    assertThat(mixtures(spec(c -> c.put("num_experts_per_tok", 16)))).hasSize(8);
  }

  @Test
  void layerTypesSayWhichLayersAreChunked() {
    DecoderSpec spec =
        spec(
            c -> {
              var types = c.put("attention_chunk_size", 32).putArray("layer_types");
              IntStream.range(0, 8)
                  .forEach(i -> types.add(i < 2 ? "chunked_attention" : "full_attention"));
            });
    assertThat(layers(spec, layer -> layer.attention().isChunked())).containsExactly(0, 1);
    assertThat(attention(spec, 1).chunk()).isEqualTo(32);
    assertThat(ropeLayers(spec)).as("rope is another matter").containsExactly(0, 1, 2, 4, 5, 6);
  }

  @Test
  void anEmptyListOfLayerTypesAndNoChunk() {
    assertThat(spec(c -> c.putArray("layer_types"))).isEqualTo(spec(c -> {}));
    DecoderSpec global = spec(c -> c.putNull("attention_chunk_size"));
    assertThat(global.chunk()).isZero();
    assertThat(global.layers()).noneMatch(layer -> layer.attention().isChunked());
  }

  @Test
  void headNormCanBeOff() {
    assertThat(spec(c -> c.put("use_qk_norm", false)).layers())
        .noneMatch(layer -> layer.attention().normalizesHeads());
  }

  @Test
  void attentionBiasAndTiedEmbeddings() {
    assertThat(spec(c -> c.put("attention_bias", true)).layers())
        .allMatch(LayerSpec::attentionBias);
    assertThat(spec(c -> c.put("tie_word_embeddings", true)).tiedEmbedding()).isTrue();
    ObjectNode nested = JsonNodeFactory.instance.objectNode().put("model_type", "llama4");
    nested.put("tie_word_embeddings", true).set("text_config", sizes());
    assertThat(ModelConfig.of(nested).spec().tiedEmbedding()).as("as the top says").isTrue();
    ((ObjectNode) nested.get("text_config")).put("tie_word_embeddings", false);
    assertThat(ModelConfig.of(nested).spec().tiedEmbedding()).as("the text's own").isFalse();
  }

  @Test
  void keyHeadsAndHeadSizeHaveDefaults() {
    assertThat(attention(spec(c -> c.putNull("num_key_value_heads")), 0).kvHeads()).isEqualTo(4);
    assertThat(attention(spec(c -> c.remove("head_dim")), 0).headDim()).isEqualTo(16);
    AttentionSpec wide = attention(spec(c -> c.put("head_dim", 32)), 0);
    assertThat(wide.queryWidth()).as("need not be the hidden size").isEqualTo(128);
    assertThat(wide.kvWidth()).isEqualTo(64);
  }

  private static ObjectNode llama3(ObjectNode parent, String name, String typeKey) {
    return parent
        .putObject(name)
        .put(typeKey, "llama3")
        .put("factor", 16)
        .put("low_freq_factor", 1)
        .put("high_freq_factor", 1)
        .put("original_max_position_embeddings", 8192);
  }

  @ParameterizedTest
  @ValueSource(strings = {"rope_type", "type"})
  void ropeScalingByItsOldAndNewNames(String typeKey) {
    Rotary expected = new Rotary(500_000, new Rotary.Llama3(16, 1, 1, 8192));
    assertThat(spec(c -> llama3(c, "rope_scaling", typeKey)).rotary()).isEqualTo(expected);
    assertThat(spec(c -> llama3(c, "rope_parameters", typeKey)).rotary()).isEqualTo(expected);
  }

  @Test
  void ropeParametersHoldTheirOwnTheta() {
    Rotary own =
        spec(c ->
                llama3(c.put("rope_theta", 1), "rope_parameters", "rope_type")
                    .put("rope_theta", 20_000))
            .rotary();
    assertThat(own).isEqualTo(new Rotary(20_000, new Rotary.Llama3(16, 1, 1, 8192)));
    Rotary plain = spec(c -> c.putObject("rope_parameters").put("rope_theta", 7)).rotary();
    assertThat(plain).isEqualTo(new Rotary(7, new Rotary.Unscaled()));
    assertThat(spec(c -> c.putNull("rope_scaling").put("rope_theta", 8)).rotary())
        .isEqualTo(new Rotary(8, new Rotary.Unscaled()));
    assertThat(spec(c -> c.putObject("rope_scaling").put("rope_type", "default")).rotary())
        .isEqualTo(new Rotary(500_000, new Rotary.Unscaled()));
  }

  @Test
  void theFirstScalingOfScoutIsUsedButWarnedOf() {
    ModelConfig stale =
        flat(
            c ->
                llama3(c, "rope_scaling", "rope_type").put("factor", 8).put("high_freq_factor", 4));
    assertThat(stale.warnings()).extracting(Warning::code).containsExactly("STALE_ROPE_SCALING");
    assertThat(stale.spec().rotary().scaling()).isEqualTo(new Rotary.Llama3(8, 1, 4, 8192));
    assertThat(flat(c -> llama3(c, "rope_scaling", "rope_type")).warnings()).isEmpty();
    ModelConfig other =
        flat(
            c ->
                llama3(c.put("num_local_experts", 8), "rope_scaling", "rope_type")
                    .put("factor", 8)
                    .put("high_freq_factor", 4));
    assertThat(other.warnings()).as("no Scout").isEmpty();
  }

  @Test
  void frequenciesOfScout() {
    Rotary rotary = new Rotary(500_000, new Rotary.Llama3(16, 1, 1, 8192));
    assertThat(rotary.inverseFrequency(0, 128)).isEqualTo(1f);
    assertThat(rotary.inverseFrequency(1, 128)).isEqualTo(0.8146172f);
    assertThat(rotary.inverseFrequency(34, 128)).isCloseTo(9.384739e-4f, within(1e-9f));
    assertThat(rotary.inverseFrequency(35, 128)).isCloseTo(4.778106e-5f, within(1e-10f));
    assertThat(rotary.inverseFrequency(63, 128)).isCloseTo(1.534463e-7f, within(1e-12f));
    Rotary stale = new Rotary(500_000, new Rotary.Llama3(8, 1, 4, 8192));
    assertThat(stale.inverseFrequency(29, 128)).isCloseTo(2.166571e-3f, within(1e-8f));
    assertThat(stale.inverseFrequency(34, 128)).isCloseTo(1.785078e-4f, within(1e-9f));
    assertThat(stale.inverseFrequency(35, 128)).isCloseTo(9.556212e-5f, within(1e-10f));
  }

  @ParameterizedTest
  @CsvSource({
    "0,1",
    "8190,1",
    "8191,1.0693147",
    "16382,1.0693147",
    "16383,1.1098612",
    "32767,1.1609438",
    "131071,1.2833213",
    "1048575,1.4859814",
    "10485759,1.7155396"
  })
  void temperatureOfAPosition(int position, float factor) {
    assertThat(new Temperature(8192, 0.1).factor(position)).isCloseTo(factor, within(2e-7f));
  }

  @Test
  void absurdButPossiblePositionsTakeNoMemory() {
    assertThat(spec(c -> c.put("max_position_embeddings", 10_485_760)).maxPositions())
        .isEqualTo(10_485_760);
  }
}

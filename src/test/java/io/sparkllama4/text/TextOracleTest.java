package io.sparkllama4.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.Llama4Exception;
import io.sparkllama4.golden.Oracle;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Renderings and ids of the reference implementation.
class TextOracleTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Path TEXT = Oracle.resources().resolve("text");

  /// The oracles' small tokenizers.
  private static final int VOCABULARY = 512;

  private static final int PUBLISHED_VOCABULARY = 202_048;

  @TempDir Path directory;

  static List<Object[]> chats() throws IOException {
    JsonNode chats = JSON.readTree(TEXT.resolve("chats.json").toFile());
    List<Object[]> cases = new ArrayList<>();
    for (JsonNode one : chats.get("cases")) {
      String name = one.get("template").asText();
      cases.add(new Object[] {name, chats.get("templates").get(name).asText(), one});
    }
    return cases;
  }

  private ChatTemplate template(String source) throws IOException {
    Files.copy(TEXT.resolve("tokenizer_config.json"), directory.resolve("tokenizer_config.json"));
    Files.writeString(directory.resolve("chat_template.jinja"), source);
    return ChatTemplate.open(directory).orElseThrow();
  }

  @SuppressWarnings("unchecked")
  private static Map<String, @Nullable Object> variables(JsonNode expected) {
    return (Map<String, @Nullable Object>)
        Objects.requireNonNull(ChatMessages.value(expected.get("variables")));
  }

  @ParameterizedTest(name = "{0} {index}")
  @MethodSource("chats")
  void conversationsGiveTheirText(String name, String source, JsonNode expected)
      throws IOException {
    ChatTemplate template = template(source);
    var messages = ChatMessages.of(expected.get("messages"));
    if (expected.has("error")) {
      assertThatThrownBy(() -> template.render(messages, variables(expected)))
          .isInstanceOfSatisfying(
              Llama4Exception.class,
              e -> {
                assertThat(e.code()).isEqualTo(ErrorCode.TEMPLATE_ERROR);
                assertThat(e).hasMessageContaining(expected.get("error").textValue());
              });
    } else {
      assertThat(template.render(messages, variables(expected)))
          .isEqualTo(expected.get("rendered").textValue());
    }
  }

  @ParameterizedTest(name = "{0} {index}")
  @MethodSource("chats")
  void conversationsGiveTheirIds(String name, String source, JsonNode expected) throws IOException {
    try (Tokenizer tokenizer = Tokenizer.open(TEXT, VOCABULARY)) {
      ChatEncoder encoder = new ChatEncoder(tokenizer, template(source));
      var messages = ChatMessages.of(expected.get("messages"));
      if (!expected.has("ids")) {
        assertThatThrownBy(() -> encoder.ids(messages, variables(expected)))
            .isInstanceOfSatisfying(
                Llama4Exception.class,
                e -> assertThat(e.code()).isEqualTo(ErrorCode.TEMPLATE_ERROR));
        return;
      }
      // Images are refused until they can be read; their placeholder is a token all the same.
      assertThat(encoder.ids(messages, variables(expected)))
          .containsExactly(ints(expected.get("ids")));
    }
  }

  static List<Oracle> oracles() {
    return Oracle.all();
  }

  @ParameterizedTest
  @MethodSource("oracles")
  void textsGiveTheirIds(Oracle oracle) throws IOException {
    JsonNode texts =
        JSON.readTree(oracle.directory().resolve("expected.json").toFile()).get("text");
    assertThat(texts).isNotEmpty();
    try (Tokenizer tokenizer = Tokenizer.open(oracle.directory(), VOCABULARY)) {
      for (JsonNode one : texts) {
        String text = one.get("text").textValue();
        int[] ids = tokenizer.encode(text);
        assertThat(ids).as(text).containsExactly(ints(one.get("ids")));
        assertThat(tokenizer.decode(ids)).isEqualTo(text);
      }
    }
  }

  @Test
  void thePublishedTokenizerGivesItsIds() throws IOException {
    String place = System.getenv("LLAMA4_TOKENIZER_DIR");
    assumeTrue(
        place != null && !place.isEmpty(),
        "the published tokenizer is data under its publisher's licence: LLAMA4_TOKENIZER_DIR"
            + " names no directory that holds it");
    JsonNode vectors = JSON.readTree(TEXT.resolve("llama4-vectors.json").toFile());
    try (Tokenizer tokenizer = Tokenizer.open(Path.of(place), PUBLISHED_VOCABULARY)) {
      assertThat(tokenizer.size()).isEqualTo(PUBLISHED_VOCABULARY);
      for (JsonNode vector : vectors) {
        String text = vector.get("text").textValue();
        int[] ids = tokenizer.encode(text);
        assertThat(ids).as(text).containsExactly(ints(vector.get("ids")));
        assertThat(tokenizer.decode(ids)).isEqualTo(text);
      }
    }
  }

  private static int[] ints(JsonNode node) {
    int[] values = new int[node.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = node.get(i).intValue();
    }
    return values;
  }
}

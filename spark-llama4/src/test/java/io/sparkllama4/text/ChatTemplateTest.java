package io.sparkllama4.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.Llama4Exception;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Renderings that Hugging Face transformers gave for the same templates, and what a checkpoint may
/// get wrong.
class ChatTemplateTest {
  private static final Clock CLOCK =
      Clock.fixed(Instant.parse("2024-07-05T03:04:09.123456Z"), ZoneOffset.UTC);

  @TempDir Path directory;

  private ChatTemplate template(String source) throws IOException {
    Files.writeString(directory.resolve("chat_template.jinja"), source);
    return ChatTemplate.open(directory, CLOCK).orElseThrow();
  }

  private ChatTemplate configured(String config) throws IOException {
    Files.writeString(directory.resolve("tokenizer_config.json"), config);
    return ChatTemplate.open(directory, CLOCK).orElseThrow();
  }

  private static List<Map<String, Object>> user(String content) {
    return List.of(Map.of("role", "user", "content", content));
  }

  static JsonNode resource() {
    try (InputStream file = ChatTemplateTest.class.getResourceAsStream("/text/templates.json")) {
      return SmallTokenizer.JSON.readTree(Objects.requireNonNull(file));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  static List<Object[]> cases() {
    JsonNode resource = resource();
    List<Object[]> cases = new ArrayList<>();
    for (JsonNode one : resource.get("cases")) {
      String name = one.get("template").asText();
      cases.add(new Object[] {name, resource.get("templates").get(name).asText(), one});
    }
    return cases;
  }

  @SuppressWarnings("unchecked")
  static Map<String, @Nullable Object> map(JsonNode node) {
    return (Map<String, @Nullable Object>) Objects.requireNonNull(ChatMessages.value(node));
  }

  @ParameterizedTest(name = "{0} {index}")
  @MethodSource("cases")
  void rendersAsTransformersDoes(String name, String source, JsonNode expected) throws IOException {
    Files.writeString(
        directory.resolve("tokenizer_config.json"),
        "{\"bos_token\":\"<|begin_of_text|>\",\"eos_token\":{\"content\":\"<|eot|>\"}}");
    ChatTemplate template = template(source);
    var messages = ChatMessages.of(expected.get("messages"));
    var variables = map(expected.get("variables"));
    if (expected.has("rendered")) {
      assertThat(template.render(messages, variables))
          .isEqualTo(expected.get("rendered").textValue());
    } else {
      assertThatThrownBy(() -> template.render(messages, variables))
          .isInstanceOfSatisfying(
              Llama4Exception.class,
              e -> {
                assertThat(e.code()).isEqualTo(ErrorCode.TEMPLATE_ERROR);
                assertThat(e).hasMessageContaining(expected.get("raises").textValue());
              });
    }
  }

  @Test
  void prefersTheFileOfItsOwn() throws IOException {
    Files.writeString(directory.resolve("tokenizer_config.json"), "{\"chat_template\":\"config\"}");
    assertThat(template("file").render(user("x"), Map.of())).isEqualTo("file");
  }

  @Test
  void takesTheDefaultOfSeveralAndToolUseForTools() throws IOException {
    ChatTemplate template =
        configured(
            """
            {"chat_template":[{"name":"tool_use","template":"T"},{"name":"default","template":"D"}]}
            """);
    assertThat(template.render(user("x"), Map.of())).isEqualTo("D");
    assertThat(template.render(user("x"), Map.of("tools", List.of()))).isEqualTo("T");
  }

  @Test
  void isAbsentWhereNothingSaysOne() throws IOException {
    assertThat(ChatTemplate.open(directory)).isEmpty();
    Files.writeString(directory.resolve("tokenizer_config.json"), "{\"chat_template\":null}");
    assertThat(ChatTemplate.open(directory)).isEmpty();
  }

  @Test
  void seesSpecialTokensUnlessTheCallerGivesOthers() throws IOException {
    ChatTemplate template =
        configured(
            """
            {"bos_token":{"content":"<s>","lstrip":false},"eos_token":"</s>","pad_token":null,
             "chat_template":"{{ bos_token }}{{ eos_token }}{{ pad_token is defined }}"}
            """);
    assertThat(template.render(user("x"), Map.of())).isEqualTo("<s></s>False");
    assertThat(template.render(user("x"), Map.of("eos_token", "!"))).isEqualTo("<s>!False");
  }

  @Test
  void passesWhatTransformersPasses() throws IOException {
    ChatTemplate template =
        template(
            "{{ tools is none }}{{ documents is none }}{{ add_generation_prompt }}"
                + "{{ messages[0].content is defined }}{{ messages[0].reasoning_content }}");
    Map<String, @Nullable Object> message = new HashMap<>();
    message.put("role", "user");
    message.put("content", null);
    message.put("reasoning", "r");
    assertThat(template.render(List.of(message), Map.of())).isEqualTo("TrueTrueFalseFalser");
  }

  @Test
  void readsTheClockThatItIsGiven() throws IOException {
    assertThat(template("{{ strftime_now('%d %b %Y') }}").render(user("x"), Map.of()))
        .isEqualTo("05 Jul 2024");
  }

  @Test
  void leavesTemplateSyntaxInMessagesAlone() throws IOException {
    String content = "{{ 7 * 7 }}{% if x %}{# y #}";
    assertThat(template("{{ messages[0].content }}").render(user(content), Map.of()))
        .isEqualTo(content);
  }

  @Test
  void findsSyntaxErrorsWhenItIsOpened() {
    for (String source :
        List.of(
            "{% if %}",
            "{{ x",
            "{% for x %}{% endfor %}",
            "{{ x | nothing }}",
            "{% nothing %}",
            "{{ x is nothing }}",
            "{% if x %}",
            "{% endif %}",
            "{{ 'a }}",
            "{# x")) {
      assertThatThrownBy(() -> template(source))
          .as(source)
          .isInstanceOfSatisfying(
              Llama4Exception.class,
              e -> {
                assertThat(e.code()).isEqualTo(ErrorCode.INVALID_TOKENIZER);
                assertThat(e.report().file()).isEqualTo("chat_template.jinja");
              });
    }
  }

  @Test
  void tellsNothingOfThePromptWhenItFails() {
    for (String source :
        List.of(
            "{{ messages[0].content + 1 }}",
            "{{ messages[0].content.nothing.more }}",
            "{{ messages[messages[0].content].x }}",
            "{{ {}[messages[0].content].x }}",
            "{{ messages[0].content() }}",
            "{{ '%d' % messages[0].content }}",
            "{{ '{nothing}'.format(messages[0].content) }}",
            "{{ messages[0].content | sort(attribute='x') | map(messages[0].content) | list }}",
            "{% for a, b in [messages[0].content] %}{% endfor %}",
            "{{ messages[0].content | tojson(indent=messages[0].content, separators=1) }}")) {
      assertThatThrownBy(() -> template(source).render(user("secret words"), Map.of()))
          .as(source)
          .isInstanceOfSatisfying(
              Llama4Exception.class,
              e -> {
                assertThat(e.code()).isEqualTo(ErrorCode.TEMPLATE_ERROR);
                assertThat(e).hasMessageNotContaining("secret");
                assertThat(e.getCause()).isNull();
              });
    }
  }
}

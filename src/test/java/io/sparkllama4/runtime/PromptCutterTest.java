package io.sparkllama4.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.sparkllama4.golden.Oracle;
import io.sparkllama4.text.ChatEncoder;
import io.sparkllama4.text.ChatTemplate;
import io.sparkllama4.text.Tokenizer;
import io.sparkllama4.weights.Checkpoint;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// What a prompt that is too long loses, and what it keeps.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PromptCutterTest {
  private static final String TEXT =
      "Der Bär – größer als ein Haus – fraß 12 345 Äpfel. 日本語のテキスト 🐻🐻🐻 and then it slept,"
          + " for a week or more, under the old oak tree; nobody woke it.";

  private final Path directory = Oracle.resources().resolve("scout");
  private final Tokenizer tokenizer = Tokenizer.open(directory, Checkpoint.vocabulary(directory));
  private PromptEncoder encoder = new PromptEncoder(tokenizer, Optional.empty());

  @BeforeAll
  void open() {
    encoder =
        new PromptEncoder(
            tokenizer,
            ChatTemplate.open(directory).map(template -> new ChatEncoder(tokenizer, template)));
  }

  @AfterAll
  void close() {
    tokenizer.close();
  }

  private static boolean isPart(String kept, OnLongPrompt policy) {
    return switch (policy) {
      case TRUNCATE_HEAD -> TEXT.endsWith(kept);
      case TRUNCATE_TAIL -> TEXT.startsWith(kept);
      case TRUNCATE_MIDDLE -> {
        for (int cut = 0; cut <= kept.length(); cut++) {
          if (TEXT.startsWith(kept.substring(0, cut)) && TEXT.endsWith(kept.substring(cut))) {
            yield true;
          }
        }
        yield false;
      }
      case FAIL, NULL -> throw new IllegalArgumentException();
    };
  }

  @ParameterizedTest
  @EnumSource(names = {"TRUNCATE_HEAD", "TRUNCATE_TAIL", "TRUNCATE_MIDDLE"})
  void rawTextsKeepWholeCharactersAndTheirBeginning(OnLongPrompt policy) {
    Prompt prompt = new Prompt.Text(TEXT);
    int[] whole = encoder.encode(prompt, true);
    int bytes = 0;
    for (int limit = 8; limit < whole.length; limit++) {
      int[] cut = encoder.encode(prompt, true, policy, limit);
      // A character of several tokens goes as a whole.
      assertThat(cut.length).as("limit %d", limit).isBetween(limit - 4, limit);
      assertThat(cut[0]).as("the token that begins a text").isEqualTo(whole[0]);
      String kept = tokenizer.decode(cut);
      assertThat(isPart(kept, policy)).as("limit %d: %s", limit, kept).isTrue();
      assertThat(kept.length()).isGreaterThanOrEqualTo(bytes);
      bytes = kept.length();
    }
    assertThat(encoder.encode(prompt, true, policy, whole.length)).isEqualTo(whole);
    assertThat(encoder.encode(prompt, true, OnLongPrompt.FAIL, 5)).isEqualTo(whole);
  }

  @ParameterizedTest
  @EnumSource(names = {"TRUNCATE_HEAD", "TRUNCATE_TAIL", "TRUNCATE_MIDDLE"})
  void theTemplateAndTheQuestionStay(OnLongPrompt policy) {
    String question = "Which animal?\n";
    int[] none = encoder.encode(new Prompt.Text(question), false);
    Prompt prompt = new Prompt.Asked(question, TEXT);
    int[] whole = encoder.encode(prompt, false);
    int[] cut = encoder.encode(prompt, false, policy, none.length + 20);
    assertThat(cut.length).isBetween(none.length + 14, none.length + 20);
    String text = tokenizer.decode(cut);
    assertThat(text).contains(question);
    int begin = text.indexOf(question);
    String wholeText = tokenizer.decode(whole);
    assertThat(text).startsWith(wholeText.substring(0, begin + question.length()));
    String behind = wholeText.substring(wholeText.indexOf(TEXT) + TEXT.length());
    assertThat(text).endsWith(behind);
    String kept = text.substring(begin + question.length(), text.length() - behind.length());
    assertThat(kept).isNotEmpty();
    assertThat(isPart(kept, policy)).as(kept).isTrue();
    // What stands behind the text, special tokens too.
    assertThat(Arrays.copyOfRange(cut, cut.length - 3, cut.length))
        .isEqualTo(Arrays.copyOfRange(whole, whole.length - 3, whole.length));
  }

  @Test
  void ofAConversationTheLastMessageOfTheUserIsCut() {
    List<Map<String, Object>> messages =
        List.of(
            Map.of("role", "system", "content", "Be brief."),
            Map.of("role", "user", "content", "First question"),
            Map.of("role", "assistant", "content", "First answer"),
            Map.of("role", "user", "content", TEXT),
            Map.of("role", "assistant", "content", "Well,"));
    int[] whole = encoder.encode(new Prompt.Messages(messages), false);
    int[] cut =
        encoder.encode(
            new Prompt.Messages(messages), false, OnLongPrompt.TRUNCATE_TAIL, whole.length - 40);
    assertThat(cut.length).isBetween(whole.length - 44, whole.length - 40);
    assertThat(tokenizer.decode(cut))
        .contains("Be brief.", "First question", "First answer", "Der Bär", "Well,")
        .doesNotContain("woke it");
  }

  @Test
  void whereNothingWouldBeLeftThePromptComesAsItIs() {
    int[] whole = encoder.encode(new Prompt.Text(TEXT), false);
    int[] empty = encoder.encode(new Prompt.Text(""), false);
    for (int limit : List.of(1, empty.length - 1, empty.length)) {
      assertThat(encoder.encode(new Prompt.Text(TEXT), false, OnLongPrompt.TRUNCATE_HEAD, limit))
          .isEqualTo(whole);
    }
  }

  @Test
  void givenIdsAreCutAsTheyAre() {
    Prompt ids = new Prompt.Ids(new int[] {1, 2, 3, 4, 5, 6, 7});
    assertThat(encoder.encode(ids, false, OnLongPrompt.TRUNCATE_HEAD, 3)).containsExactly(5, 6, 7);
    assertThat(encoder.encode(ids, false, OnLongPrompt.TRUNCATE_TAIL, 3)).containsExactly(1, 2, 3);
    assertThat(encoder.encode(ids, false, OnLongPrompt.TRUNCATE_MIDDLE, 3))
        .containsExactly(1, 2, 7);
  }
}

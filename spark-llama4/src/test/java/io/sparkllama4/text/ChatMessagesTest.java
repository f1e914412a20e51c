package io.sparkllama4.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.Llama4Exception;
import java.math.BigInteger;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ChatMessagesTest {
  @Test
  void keepsTypesAndOrder() {
    var messages =
        ChatMessages.parse(
            """
            [{"z":1,"role":"user","a":[2.0,true,null,"x",{"k":-3}],"big":12345678901234567890}]
            """);
    assertThat(messages).hasSize(1);
    assertThat(messages.getFirst().keySet()).containsExactly("z", "role", "a", "big");
    assertThat(messages.getFirst())
        .containsEntry("z", 1L)
        .containsEntry("big", new BigInteger("12345678901234567890"));
    List<?> list = (List<?>) Objects.requireNonNull(messages.getFirst().get("a"));
    assertThat(list.subList(0, 2)).isEqualTo(List.of(2.0, true));
    assertThat(list.get(2)).isNull();
    assertThat(list.subList(3, 5)).isEqualTo(List.of("x", Map.of("k", -3L)));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{}",
        "\"x\"",
        "[]",
        "[1]",
        "[{}]",
        "[{\"role\":1}]",
        "[{\"role\":null}]",
        "[{\"content\":\"secret\"}]",
        "[{\"role\":\"user\",\"content\":\"secret}]",
        "[{\"role\":\"user\",\"role\":\"secret\"}]",
        "[{\"role\":\"user\"}] secret"
      })
  void refusesWhatIsNoConversation(String json) {
    assertThatThrownBy(() -> ChatMessages.parse(json))
        .isInstanceOfSatisfying(
            Llama4Exception.class,
            e -> {
              assertThat(e.code()).isEqualTo(ErrorCode.INVALID_OPTION);
              assertThat(e.report().key()).isEqualTo("messages");
              assertThat(e).hasMessageNotContaining("secret");
            });
  }

  @Test
  void refusesEndlessNesting() {
    String deep = "[".repeat(5000) + "]".repeat(5000);
    assertThatThrownBy(() -> ChatMessages.parse("[{\"role\":\"user\",\"content\":" + deep + "}]"))
        .isInstanceOf(Llama4Exception.class);
  }
}

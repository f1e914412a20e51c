package io.sparkllama4.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sparkllama4.text.AddedTokens.Piece;
import io.sparkllama4.text.jinja.Shadows;
import java.util.List;
import org.junit.jupiter.api.Test;

class AddedTokensTest {
  private static AddedToken token(int id, String content) {
    return new AddedToken(id, content, true, false, false, false);
  }

  private static List<String> split(String text, AddedToken... tokens) {
    return new AddedTokens(List.of(tokens))
        .split(text).stream().map(AddedTokensTest::show).toList();
  }

  private static String show(Piece piece) {
    return piece.token().isEmpty() ? piece.text() : "#" + piece.token().getFirst().id();
  }

  @Test
  void takesTheFirstAndOfThoseTheLongest() {
    AddedToken[] tokens = {token(1, "<a>"), token(2, "<a><b>"), token(3, "a>")};
    assertThat(split("x<a><b><a>y", tokens)).containsExactly("x", "#2", "#1", "y");
    assertThat(split("<a<a>", tokens)).containsExactly("<a", "#1");
    assertThat(split("", tokens)).isEmpty();
    assertThat(split("<a", tokens)).containsExactly("<a");
  }

  @Test
  void takesWhiteSpaceAlong() {
    AddedToken left = new AddedToken(1, "<m>", true, false, true, false);
    AddedToken right = new AddedToken(2, "<n>", true, false, false, true);
    assertThat(split("a  <m> b <n>\n c", left, right)).containsExactly("a", "#1", " b ", "#2", "c");
    assertThat(split("<n>  <m>", left, right)).containsExactly("#2", "#1");
  }

  @Test
  void asksForWholeWords() {
    AddedToken word = new AddedToken(1, "ok", true, true, false, false);
    assertThat(split("ok, oka book ok", word)).containsExactly("#1", ", oka book ", "#1");
  }

  private static String hide(String text, AddedToken... tokens) {
    return new AddedTokens(List.of(tokens)).hide(text);
  }

  @Test
  void hidesWhatItWouldFind() {
    AddedToken[] tokens = {token(1, "<|eot|>"), token(2, "<|eot|><|eot|>"), token(3, "A>")};
    for (String text : List.of("<|eot|>", "a<|eot|><|eot|>b", "xA>A>", "<|eot|", "end <", "A")) {
      String hidden = hide(text, tokens);
      assertThat(split(hidden + "|>", tokens)).as(text).hasSize(1);
      assertThat(Shadows.plain(hidden)).isEqualTo(text);
    }
  }

  @Test
  void leavesOtherTextAlone() {
    assertThat(hide("a < b <| c", token(1, "<|eot|>"))).isEqualTo("a < b <| c");
  }

  @Test
  void refusesASpecialTokenThatItCannotHide() {
    assertThatThrownBy(() -> hide("an END", token(1, "END")))
        .isInstanceOf(IllegalArgumentException.class);
    AddedToken spaces = new AddedToken(1, "  ", false, false, false, false);
    assertThat(hide("a  b", spaces)).isEqualTo("a  b");
  }
}

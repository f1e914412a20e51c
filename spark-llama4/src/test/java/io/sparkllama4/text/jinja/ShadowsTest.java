package io.sparkllama4.text.jinja;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ShadowsTest {
  @Test
  void hidesEveryPunctuationCharacterOfAscii() {
    int hideable = 0;
    for (char c = 0; c < 128; c++) {
      boolean punctuation = c > ' ' && c < 127 && !Character.isLetterOrDigit(c);
      assertThat(Shadows.canHide(c)).as("%d", (int) c).isEqualTo(punctuation);
      if (punctuation) {
        char shadow = Shadows.hide(c);
        assertThat(Shadows.isShadow(shadow)).isTrue();
        assertThat(Shadows.plain(shadow)).isEqualTo(c);
        hideable++;
      }
    }
    assertThat(hideable).isEqualTo(32);
  }

  @Test
  void leavesOtherCharactersAlone() {
    String text = "aé☀🙂\ufdcf\ufdf0 <";
    assertThat(Shadows.plain(text)).isSameAs(text);
    assertThat(Shadows.plain("a" + Shadows.hide('<') + "b<")).isEqualTo("a<b<");
  }
}

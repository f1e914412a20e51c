package io.sparkllama4.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TokenDecoderTest {
  private static TokenTable table(byte[]... tokens) {
    return new TokenTable(tokens);
  }

  private static TokenTable singleBytes() {
    byte[][] tokens = new byte[256][];
    for (int b = 0; b < 256; b++) {
      tokens[b] = new byte[] {(byte) b};
    }
    return table(tokens);
  }

  private static List<String> pieces(TokenTable table, int... ids) {
    TokenDecoder decoder = new TokenDecoder(table);
    List<String> pieces = new ArrayList<>();
    for (int id : ids) {
      pieces.add(decoder.append(id));
    }
    pieces.add(decoder.finish());
    return pieces;
  }

  @Test
  void givesACharacterWhenItsLastByteHasCome() {
    assertThat(pieces(singleBytes(), 'a', 0xf0, 0x9f, 0x99, 0x82, 'b'))
        .containsExactly("a", "", "", "", "🙂", "b", "");
  }

  @Test
  void joinsTokensWithinACharacter() {
    byte[] whole = "é☀".getBytes(StandardCharsets.UTF_8);
    TokenTable table = table(new byte[] {whole[0]}, new byte[] {whole[1], whole[2], whole[3]});
    assertThat(pieces(table, 0, 1)).containsExactly("", "é", "\ufffd");
  }

  @Test
  void endsABrokenCharacterWithOneReplacement() {
    assertThat(pieces(singleBytes(), 0xe2, 0x98)).containsExactly("", "", "\ufffd");
    assertThat(pieces(singleBytes(), 0xe2, 0x98, 'a')).containsExactly("", "", "\ufffda", "");
  }

  @Test
  void replacesAsRustDoes() {
    // Half a surrogate pair, an overlong form, beyond Unicode, a byte that begins nothing.
    assertThat(String.join("", pieces(singleBytes(), 0xed, 0xa0, 0x80)))
        .isEqualTo("\ufffd".repeat(3));
    assertThat(String.join("", pieces(singleBytes(), 0xc0, 0xaf))).isEqualTo("\ufffd".repeat(2));
    assertThat(String.join("", pieces(singleBytes(), 0xe0, 0x80, 0xaf)))
        .isEqualTo("\ufffd".repeat(3));
    assertThat(String.join("", pieces(singleBytes(), 0xf4, 0x90, 0x80, 0x80)))
        .isEqualTo("\ufffd".repeat(4));
    assertThat(String.join("", pieces(singleBytes(), 0xf0, 0x9f, 0xe2, 0x98, 0x80)))
        .isEqualTo("\ufffd☀");
    assertThat(String.join("", pieces(singleBytes(), 0xff, 0x80))).isEqualTo("\ufffd".repeat(2));
  }

  @Test
  void neverSplitsASurrogatePair() {
    Random random = new Random(7);
    for (int round = 0; round < 300; round++) {
      int[] ids = random.ints(12, 0, 256).toArray();
      for (String piece : pieces(singleBytes(), ids)) {
        assertThat(piece.codePoints().noneMatch(c -> Character.getType(c) == Character.SURROGATE))
            .isTrue();
      }
    }
  }

  @Test
  void skipsIdsThatNoTokenHas() {
    assertThat(pieces(table("a".getBytes(StandardCharsets.UTF_8)), 0, 5, -3, 0))
        .containsExactly("a", "", "", "a", "");
  }

  @Test
  void readsTheByteAlphabet() {
    assertThat(ByteAlphabet.bytes("Ġa")).containsExactly(' ', 'a');
    assertThat(ByteAlphabet.bytes("Ċ")).containsExactly('\n');
    for (int b = 0; b < 256; b++) {
      assertThat(ByteAlphabet.bytes(SmallTokenizer.letter(b))).containsExactly((byte) b);
    }
    assertThat(ByteAlphabet.bytes("a b")).isEqualTo("a b".getBytes(StandardCharsets.UTF_8));
    assertThat(ByteAlphabet.bytes("☀")).isEqualTo("☀".getBytes(StandardCharsets.UTF_8));
  }
}

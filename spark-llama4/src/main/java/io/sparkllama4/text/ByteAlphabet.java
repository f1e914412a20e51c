package io.sparkllama4.text;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// The letters that byte-level vocabularies write bytes with: a printable character of Latin-1
/// stands for its own code, every other byte for a character from U+0100 on, in order.
final class ByteAlphabet {
  private static final int NONE = -1;
  private static final int[] BYTES = bytes();

  private ByteAlphabet() {}

  private static int[] bytes() {
    int[] bytes = new int[0x200];
    Arrays.fill(bytes, NONE);
    int others = 0x100;
    for (int b = 0; b < 0x100; b++) {
      boolean printable = (b > 0x20 && b < 0x7f) || (b > 0xa0 && b != 0xad);
      bytes[printable ? b : others++] = b;
    }
    return bytes;
  }

  /// The bytes that a token stands for. A token with a character outside of the alphabet stands for
  /// its own text, as added tokens do; that is the rule of the tokenizers library, quirks included.
  static byte[] bytes(String token) {
    byte[] bytes = new byte[token.length()];
    for (int i = 0; i < bytes.length; i++) {
      char c = token.charAt(i);
      int b = c < BYTES.length ? BYTES[c] : NONE;
      if (b == NONE) {
        return token.getBytes(StandardCharsets.UTF_8);
      }
      bytes[i] = (byte) b;
    }
    return bytes;
  }
}

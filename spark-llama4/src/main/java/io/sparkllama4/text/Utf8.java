package io.sparkllama4.text;

/// Turns bytes into characters as they come, broken ones into U+FFFD: one for every longest piece
/// that could have begun a character, which is what Unicode recommends and Rust does. Java's
/// decoder puts one for three where half a surrogate pair is encoded.
///
/// Confined to one thread.
final class Utf8 {
  private static final char BROKEN = '\uFFFD';

  private final StringBuilder text = new StringBuilder();
  private int codePoint;
  private int missing;
  // The bounds of the next byte: tighter for some first bytes, which is what rules out overlong
  // forms, surrogates and what lies beyond Unicode.
  private int least = 0x80;
  private int most = 0xbf;

  /// Takes the next byte, 0 to 255.
  void append(int value) {
    if (missing > 0) {
      if (value >= least && value <= most) {
        least = 0x80;
        most = 0xbf;
        codePoint = codePoint << 6 | (value & 0x3f);
        if (--missing == 0) {
          text.appendCodePoint(codePoint);
        }
        return;
      }
      flush();
    }
    begin(value);
  }

  private void begin(int value) {
    if (value < 0x80) {
      text.append((char) value);
    } else if (value >= 0xc2 && value <= 0xdf) {
      expect(1, value & 0x1f);
    } else if (value >= 0xe0 && value <= 0xef) {
      expect(2, value & 0x0f);
      least = value == 0xe0 ? 0xa0 : 0x80;
      most = value == 0xed ? 0x9f : 0xbf;
    } else if (value >= 0xf0 && value <= 0xf4) {
      expect(3, value & 0x07);
      least = value == 0xf0 ? 0x90 : 0x80;
      most = value == 0xf4 ? 0x8f : 0xbf;
    } else {
      text.append(BROKEN);
    }
  }

  private void expect(int bytes, int bits) {
    missing = bytes;
    codePoint = bits;
  }

  /// Ends a character whose last bytes will not come.
  void flush() {
    if (missing > 0) {
      text.append(BROKEN);
      missing = 0;
      least = 0x80;
      most = 0xbf;
    }
  }

  /// The characters that are complete since the last call.
  String take() {
    String taken = text.toString();
    text.setLength(0);
    return taken;
  }
}

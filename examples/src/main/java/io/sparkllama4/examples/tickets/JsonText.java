package io.sparkllama4.examples.tickets;

import java.util.HexFormat;

/// Writes JSON strings, the only part of JSON that needs thought here.
final class JsonText {

  private static final HexFormat HEX = HexFormat.of();

  private JsonText() {}

  /// The text in quotes; control characters, quotes and backslashes escaped.
  static String quote(String text) {
    StringBuilder json = new StringBuilder(text.length() + 2).append('"');
    for (int i = 0; i < text.length(); i++) {
      char letter = text.charAt(i);
      switch (letter) {
        case '"' -> json.append("\\\"");
        case '\\' -> json.append("\\\\");
        case '\n' -> json.append("\\n");
        default -> {
          if (letter < ' ') {
            json.append("\\u").append(HEX.toHexDigits(letter));
          } else {
            json.append(letter);
          }
        }
      }
    }
    return json.append('"').toString();
  }
}

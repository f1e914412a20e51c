package io.sparkllama4.text;

import io.sparkllama4.text.jinja.Shadows;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Finds added tokens in text, as the tokenizers library does: the first, and of several at one
/// place the longest. And hides them: see [#hide].
final class AddedTokens {
  /// A place in the trie of all contents.
  private static final class Node {
    private final Map<Character, Node> next = new HashMap<>();
    private Optional<AddedToken> token = Optional.empty();
  }

  /// A part of a text: a token, or what lies between tokens.
  ///
  /// @param token the token, none or one
  /// @param text the text, where there is no token
  record Piece(List<AddedToken> token, String text) {}

  private final Node root = new Node();

  /// With which characters tokens begin: most of a text is passed with a look at this.
  private final BitSet beginnings = new BitSet();

  AddedTokens(List<AddedToken> tokens) {
    for (AddedToken token : tokens) {
      if (token.content().isEmpty()) {
        continue;
      }
      beginnings.set(token.content().charAt(0));
      Node node = root;
      for (char c : token.content().toCharArray()) {
        node = node.next.computeIfAbsent(c, key -> new Node());
      }
      node.token = Optional.of(token);
    }
  }

  /// The text in parts.
  List<Piece> split(String text) {
    List<Piece> pieces = new ArrayList<>();
    int from = 0;
    int at = 0;
    while (at < text.length()) {
      Optional<AddedToken> found =
          beginnings.get(text.charAt(at)) ? longest(text, at) : Optional.empty();
      if (found.isEmpty()) {
        at++;
        continue;
      }
      AddedToken token = found.get();
      int end = at + token.content().length();
      if (!token.singleWord() || standsAlone(text, at, end)) {
        int start = token.takesLeft() ? Math.max(from, spaceBefore(text, at)) : at;
        int behind = token.takesRight() ? spaceBehind(text, end) : end;
        if (start > from) {
          pieces.add(new Piece(List.of(), text.substring(from, start)));
        }
        pieces.add(new Piece(List.of(token), ""));
        from = behind;
        end = behind;
      }
      at = end;
    }
    if (from < text.length()) {
      pieces.add(new Piece(List.of(), text.substring(from)));
    }
    return pieces;
  }

  private Optional<AddedToken> longest(String text, int from) {
    Optional<AddedToken> longest = Optional.empty();
    Node node = root.next.get(text.charAt(from));
    for (int at = from + 1; node != null; at++) {
      longest = node.token.isPresent() ? node.token : longest;
      node = at < text.length() ? node.next.get(text.charAt(at)) : null;
    }
    return longest;
  }

  private static boolean standsAlone(String text, int start, int end) {
    return (start == 0 || !isWord(text.codePointBefore(start)))
        && (end == text.length() || !isWord(text.codePointAt(end)));
  }

  private static boolean isWord(int c) {
    return c == '_' || Character.isLetterOrDigit(c);
  }

  private static int spaceBefore(String text, int from) {
    int at = from;
    while (at > 0 && Character.isWhitespace(text.charAt(at - 1))) {
      at--;
    }
    return at;
  }

  private static int spaceBehind(String text, int from) {
    int at = from;
    while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
      at++;
    }
    return at;
  }

  /// The text with every added token in it made unfindable by a shadow in place of one of its
  /// punctuation characters, and also with a shadow where the text ends with the beginning of an
  /// added token, which text behind it might complete.
  ///
  /// Added tokens without punctuation, such as runs of spaces, cannot be hidden; they are no
  /// special ones in any published tokenizer, and stay what they are.
  ///
  /// @throws IllegalArgumentException for a special token that cannot be hidden
  String hide(String text) {
    StringBuilder hidden = new StringBuilder(text);
    for (int from = 0; from < text.length(); from++) {
      if (!beginnings.get(text.charAt(from))) {
        continue;
      }
      Node node = root.next.get(text.charAt(from));
      for (int at = from + 1; node != null; at++) {
        boolean complete = node.token.isPresent();
        if (complete || at == text.length()) {
          int place = hideable(text, from, at);
          if (place >= 0) {
            hidden.setCharAt(place, Shadows.hide(text.charAt(place)));
          } else if (node.token.filter(AddedToken::special).isPresent()) {
            throw new IllegalArgumentException("A special token has no punctuation");
          }
        }
        node = at < text.length() ? node.next.get(text.charAt(at)) : null;
      }
    }
    return hidden.toString();
  }

  private static int hideable(String text, int from, int to) {
    for (int at = from; at < to; at++) {
      if (Shadows.canHide(text.charAt(at))) {
        return at;
      }
    }
    return -1;
  }
}

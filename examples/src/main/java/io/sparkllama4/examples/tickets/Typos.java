package io.sparkllama4.examples.tickets;

/// Slips of the hand: swapped, lost and doubled letters in long words. They are made before slots
/// are filled and never inside a slot, so no value of a field is ever misspelled.
final class Typos {

  /// Shorter words stay as they are: a slip in them often yields another word.
  private static final int LEAST_WORD_LETTERS = 5;

  private Typos() {}

  /// The sentence with one slip at most.
  static String slip(String sentence, Dice dice) {
    if (sentence.length() < LEAST_WORD_LETTERS) {
      return sentence;
    }
    int at = dice.below(sentence.length());
    int start = at;
    int end = at;
    while (start > 0 && isWordPart(sentence.charAt(start - 1))) {
      start--;
    }
    while (end < sentence.length() && isWordPart(sentence.charAt(end))) {
      end++;
    }
    String word = sentence.substring(start, end);
    if (word.length() < LEAST_WORD_LETTERS || !word.chars().allMatch(Character::isLetter)) {
      return sentence;
    }
    return sentence.substring(0, start) + misspell(word, dice) + sentence.substring(end);
  }

  /// Braces, at-signs and digits belong to the word, so that slots and addresses are seen whole.
  private static boolean isWordPart(char letter) {
    return Character.isLetterOrDigit(letter) || "{}@".indexOf(letter) >= 0;
  }

  /// The first and the last letter stay, as they do in most slips of the hand.
  private static String misspell(String word, Dice dice) {
    int at = dice.between(1, word.length() - 3);
    String before = word.substring(0, at);
    char letter = word.charAt(at);
    String after = word.substring(at + 1);
    return switch (dice.below(3)) {
      case 0 -> before + after.charAt(0) + letter + after.substring(1);
      case 1 -> before + after;
      default -> before + letter + letter + after;
    };
  }
}

package io.sparkllama4.examples.tickets;

import java.util.List;

/// Draws what is random and beside the point in a ticket: names, places, dates, amounts and
/// numbers. Some of the numbers look like order numbers, so a model has to read what they are.
final class Words {

  private final Sections sections = Sections.read("words.txt");

  String personName(Dice dice) {
    String first = dice.pick(sections.lines("first"));
    return dice.percent(25) ? first : first + " " + dice.pick(sections.lines("family"));
  }

  /// What customers call a product whose name they do not give.
  String genericNoun(Language language, Dice dice) {
    return dice.pick(sections.lines("generic." + language.code()));
  }

  /// The value for a slot that no fact fills.
  String value(String slot, Language language, Dice dice) {
    return switch (slot) {
      case "name" -> personName(dice);
      case "city" -> dice.pick(sections.lines("city"));
      case "date" -> date(language, dice);
      case "amount" -> amount(dice);
      case "phone" -> phone(dice);
      case "customer" -> dice.digits(dice.between(5, 6));
      case "number" -> String.valueOf(dice.between(10, 250));
      case "year" -> String.valueOf(dice.between(2010, 2023));
      default -> throw new IllegalArgumentException("Unknown slot [" + slot + "]");
    };
  }

  private String date(Language language, Dice dice) {
    List<String> months = sections.lines("month." + language.code());
    return language.date(dice.between(1, 28), dice.pick(months));
  }

  private static String amount(Dice dice) {
    String units = String.valueOf(dice.between(9, 899));
    String cents = dice.pick(List.of("00", "50", "90", "95", "99"));
    return switch (dice.below(4)) {
      case 0 -> "$" + units + "." + cents;
      case 1 -> units + "." + cents + " EUR";
      case 2 -> units + "," + cents + " €";
      default -> units + " euros";
    };
  }

  private static String phone(Dice dice) {
    return switch (dice.below(3)) {
      case 0 -> "0" + dice.digits(3) + " " + dice.digits(6);
      case 1 -> "+" + dice.digits(2) + " " + dice.digits(3) + " " + dice.digits(5);
      default -> dice.digits(3) + "-" + dice.digits(4);
    };
  }
}

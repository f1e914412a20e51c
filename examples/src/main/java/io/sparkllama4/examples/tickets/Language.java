package io.sparkllama4.examples.tickets;

/// The languages in which customers write. Answers are always English.
public enum Language {
  ENGLISH("en", " "),
  GERMAN("de", ". "),
  FRENCH("fr", " "),
  SPANISH("es", " de ");

  private final String code;
  private final String dateSeparator;

  Language(String code, String dateSeparator) {
    this.code = code;
    this.dateSeparator = dateSeparator;
  }

  /// ISO 639-1 code, also the name of the resource file.
  public String code() {
    return code;
  }

  /// A day of the year as people write it.
  String date(int day, String month) {
    return day + dateSeparator + month;
  }
}

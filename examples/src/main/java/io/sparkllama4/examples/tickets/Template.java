package io.sparkllama4.examples.tickets;

/// One wording of the resource files.
///
/// @param id split, language, role and number, for instance `training/en/greeting/3`
/// @param split the world to which it belongs
/// @param language in which it is written
/// @param role the resource section, for instance `late-parcel.statement` or `greeting`
/// @param text the wording in the notation of [Wording]
public record Template(String id, Split split, Language language, String role, String text) {

  /// The text, parsed.
  public Wording wording() {
    return Wording.parse(text);
  }
}

package io.sparkllama4.examples.tickets;

import java.util.Locale;

/// What the imaginary shop sells. All names begin with a consonant and end with a noun of neuter
/// gender in German, which keeps the wordings of all languages grammatical.
public enum Product {
  LUMO_DISPLAY("Lumo", "Display"),
  PEBBLE_HEADSET("Pebble", "Headset"),
  VELA_PHONE("Vela", "Phone"),
  QUILL_TABLET("Quill", "Tablet"),
  LYRA_KEYBOARD("Lyra", "Keyboard"),
  NEXO_MODEM("Nexo", "Modem"),
  COMET_NOTEBOOK("Comet", "Notebook"),
  PIVOT_DOCK("Pivot", "Dock"),
  TERRA_RADIO("Terra", "Radio"),
  FJORD_THERMOSTAT("Fjord", "Thermostat"),
  CADENCE_PIANO("Cadence", "Piano"),
  BOREAL_THERMOMETER("Boreal", "Thermometer");

  private final String brand;
  private final String fullName;

  Product(String brand, String noun) {
    this.brand = brand;
    this.fullName = brand + " " + noun;
  }

  /// The name as the extracted fields have it.
  public String fullName() {
    return fullName;
  }

  /// The name as a customer writes it: in full, in small letters or the brand alone.
  String mention(Dice dice) {
    int style = dice.below(20);
    if (style < 13) {
      return fullName;
    }
    return style < 16 ? fullName.toLowerCase(Locale.ROOT) : brand;
  }
}

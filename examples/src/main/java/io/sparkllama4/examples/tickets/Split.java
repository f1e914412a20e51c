package io.sparkllama4.examples.tickets;

/// The two worlds of wordings. A wording belongs to exactly one of them, so a model that answers
/// held-out tickets has understood them and has not recognised them.
public enum Split {
  TRAINING("training", 0),
  HELD_OUT("held-out", 1);

  private final String label;
  private final int parity;

  Split(String label, int parity) {
    this.label = label;
    this.parity = parity;
  }

  /// Name of the resource folder and first part of every ticket and template id.
  public String label() {
    return label;
  }

  /// The part of the dice for a ticket: even parts are for training, odd ones held out, so that
  /// tickets of the same seed and number have nothing in common.
  long part(long number) {
    return 2 * number + parity;
  }
}

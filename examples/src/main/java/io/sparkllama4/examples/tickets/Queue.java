package io.sparkllama4.examples.tickets;

import java.util.Locale;

/// The teams that work on tickets: the answer to the first question is the label of one of them.
public enum Queue {
  BILLING,
  SHIPPING,
  RETURNS,
  TECHNICAL,
  ACCOUNT,
  ORDERS,
  SALES;

  /// The one word that names the queue.
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}

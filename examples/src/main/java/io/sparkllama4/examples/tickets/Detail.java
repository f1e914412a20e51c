package io.sparkllama4.examples.tickets;

/// A fact that the customer may have left out.
public sealed interface Detail {

  /// As a JSON value: a string, or null.
  String json();

  /// The customer gave it.
  record Known(String text) implements Detail {
    @Override
    public String json() {
      return JsonText.quote(text);
    }
  }

  /// The customer did not give it.
  record Missing() implements Detail {
    @Override
    public String json() {
      return "null";
    }
  }
}

package io.sparkllama4.examples.tickets;

/// The answer to the second question: the fields of a ticket.
///
/// @param product full name of the product, however the customer wrote it
/// @param order order number, copied from the text
/// @param priority normalised from the wording
public record Fields(Detail product, Detail order, Priority priority) {

  /// One line of JSON, keys in this order, no spaces.
  public String json() {
    return "{\"product\":"
        + product.json()
        + ",\"order\":"
        + order.json()
        + ",\"priority\":"
        + JsonText.quote(priority.label())
        + "}";
  }
}

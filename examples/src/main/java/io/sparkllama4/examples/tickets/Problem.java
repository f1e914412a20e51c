package io.sparkllama4.examples.tickets;

import java.util.Locale;

/// What customers write about: four problems per queue. A problem decides the queue and the clause
/// of the summary; its wordings lie in the resource files under its key.
public enum Problem {
  DOUBLE_CHARGE(Queue.BILLING, "Customer was charged twice"),
  WRONG_AMOUNT(Queue.BILLING, "Customer was billed a wrong amount"),
  INVOICE_COPY(Queue.BILLING, "Customer needs a copy of the invoice"),
  PAYMENT_DECLINED(Queue.BILLING, "Payment was declined"),
  LATE_PARCEL(Queue.SHIPPING, "Parcel is late"),
  LOST_PARCEL(Queue.SHIPPING, "Parcel is marked as delivered but missing"),
  ADDRESS_CHANGE(Queue.SHIPPING, "Customer wants another delivery address"),
  TRACKING_PROBLEM(Queue.SHIPPING, "Tracking does not work"),
  ARRIVED_DAMAGED(Queue.RETURNS, "Product arrived damaged"),
  WRONG_ITEM(Queue.RETURNS, "Customer received the wrong product"),
  SEND_BACK(Queue.RETURNS, "Customer wants to return the product"),
  REFUND_PENDING(Queue.RETURNS, "Refund for a return is missing"),
  NO_POWER(Queue.TECHNICAL, "Device does not turn on"),
  BATTERY_DRAIN(Queue.TECHNICAL, "Battery is weak"),
  NO_CONNECTION(Queue.TECHNICAL, "Device does not connect"),
  APP_CRASH(Queue.TECHNICAL, "App does not work"),
  PASSWORD_RESET(Queue.ACCOUNT, "Customer needs a new password"),
  ACCOUNT_LOCKED(Queue.ACCOUNT, "Account is locked"),
  EMAIL_CHANGE(Queue.ACCOUNT, "Customer wants to change the email address"),
  ACCOUNT_DELETION(Queue.ACCOUNT, "Customer wants the account deleted"),
  CANCEL_ORDER(Queue.ORDERS, "Customer wants to cancel the order"),
  CHANGE_QUANTITY(Queue.ORDERS, "Customer wants another quantity"),
  MISSING_CONFIRMATION(Queue.ORDERS, "Order confirmation is missing"),
  CHANGE_COLOUR(Queue.ORDERS, "Customer wants another colour"),
  STOCK_QUESTION(Queue.SALES, "Customer asks when the product is available"),
  COMPATIBILITY_QUESTION(Queue.SALES, "Customer asks about compatibility"),
  VOLUME_DISCOUNT(Queue.SALES, "Customer asks for a volume discount"),
  GUARANTEE_QUESTION(Queue.SALES, "Customer asks about the guarantee");

  private final Queue queue;
  private final String clause;

  Problem(Queue queue, String clause) {
    this.queue = queue;
    this.clause = clause;
  }

  /// The team that solves it.
  public Queue queue() {
    return queue;
  }

  /// The beginning of the summary.
  public String clause() {
    return clause;
  }

  /// Prefix of the resource sections with its wordings, for instance `late-parcel`.
  public String key() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /// In how many tickets of a hundred the customer names a product.
  int productPercent() {
    return queue == Queue.ACCOUNT ? 25 : 90;
  }

  /// In how many tickets of a hundred the customer names an order.
  int orderPercent() {
    return switch (queue) {
      case BILLING, SHIPPING, RETURNS, ORDERS -> 80;
      case TECHNICAL -> 40;
      case ACCOUNT, SALES -> 10;
    };
  }
}

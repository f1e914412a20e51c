package io.sparkllama4.examples.tickets;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// What a ticket is about, before any wording. All right answers follow from the facts alone.
///
/// @param problem decides queue and summary
/// @param products empty when the customer names none, otherwise one
/// @param order the order number of six digits, if named
/// @param priority how soon an answer is wanted
public record Facts(Problem problem, List<Product> products, Detail order, Priority priority) {

  public Facts {
    products = List.copyOf(products);
    if (products.size() > 1) {
      throw new IllegalArgumentException("A ticket names at most one product, found " + products);
    }
  }

  /// Draws facts: all problems are equally frequent, half of the tickets have a priority.
  static Facts draw(Dice dice) {
    Problem problem = dice.pick(List.of(Problem.values()));
    List<Product> products =
        dice.percent(problem.productPercent())
            ? List.of(dice.pick(List.of(Product.values())))
            : List.of();
    Detail order =
        dice.percent(problem.orderPercent())
            ? new Detail.Known(dice.digits(6))
            : new Detail.Missing();
    return new Facts(problem, products, order, drawPriority(dice));
  }

  private static Priority drawPriority(Dice dice) {
    int sort = dice.below(100);
    if (sort < 30) {
      return Priority.HIGH;
    }
    return sort < 50 ? Priority.LOW : Priority.NORMAL;
  }

  /// The product, if the customer names one.
  public Optional<Product> product() {
    return products.stream().findFirst();
  }

  /// The answer to the first question.
  public Queue queue() {
    return problem.queue();
  }

  /// The answer to the second question.
  public Fields fields() {
    Detail product =
        product()
            .<Detail>map(named -> new Detail.Known(named.fullName()))
            .orElseGet(Detail.Missing::new);
    return new Fields(product, order, priority);
  }

  /// The answer to the third question: the clause of the problem, then what is known in brackets.
  public String summary() {
    List<String> known = new ArrayList<>();
    product().ifPresent(named -> known.add(named.fullName()));
    if (order instanceof Detail.Known(String number)) {
      known.add("order " + number);
    }
    String brackets = known.isEmpty() ? "" : " (" + String.join(", ", known) + ")";
    return problem.clause() + brackets + ".";
  }
}

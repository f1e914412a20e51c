package io.sparkllama4.sql;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.spark.sql.catalyst.expressions.And;
import org.apache.spark.sql.catalyst.expressions.AttributeSet;
import org.apache.spark.sql.catalyst.expressions.CaseWhen;
import org.apache.spark.sql.catalyst.expressions.Coalesce;
import org.apache.spark.sql.catalyst.expressions.EqualNullSafe;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.If;
import org.apache.spark.sql.catalyst.expressions.IsNull;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.expressions.Literal$;
import org.apache.spark.sql.catalyst.expressions.Not;
import org.apache.spark.sql.catalyst.expressions.Or;
import org.apache.spark.sql.catalyst.expressions.aggregate.AggregateExpression;
import scala.Tuple2;

/// Finds the calls of expressions and what must hold for a row to need them: `CASE WHEN c THEN f(p)
/// END` needs `f(p)` where c is true.
///
/// A guard is a list of conditions, all of which must be true. It goes into the call's arguments,
/// `f(IF(c, p, NULL))`: NULL asks nothing, and costs nothing. A condition that cannot be told in
/// time is left out, so that a guard never keeps a row from its answer: it may be evaluated only
/// by columns that are there, must not be random, and may read answers of earlier calls alone.
final class Guards {
  /// Expressions that leave operands out.
  enum Kind {
    IF,
    CASE,
    COALESCE,
    AND,
    OR,
    /// The condition of an aggregate function, `max(f(p)) FILTER (WHERE c)`.
    FILTER
  }

  /// All of them.
  static final Set<Kind> ALL = Set.copyOf(EnumSet.allOf(Kind.class));

  private final Set<Kind> kinds;
  private final AttributeSet available;

  /// By canonical call, in the order of evaluation, arguments before those who take them.
  private final Map<Expression, Places> calls = new LinkedHashMap<>();

  /// One call and the guards of the places where it stands.
  private record Places(ModelCall call, List<List<Expression>> guards) {}

  /// A call whose arguments hold its guard.
  ///
  /// @param call as it was written
  /// @param guarded the same, asking only where it is needed
  record Guarded(ModelCall call, ModelCall guarded) {}

  /// @param kinds the expressions that are respected
  /// @param available the columns from which calls and conditions can be computed
  Guards(Set<Kind> kinds, AttributeSet available) {
    this.kinds = kinds;
    this.available = available;
  }

  /// Finds calls in an expression that is always evaluated.
  void visit(Expression expression) {
    visit(expression, List.of());
  }

  private void visit(Expression expression, List<Expression> held) {
    if (!LiftedCalls.contains(expression)) {
      return;
    }
    switch (expression) {
      case ModelCall call -> {
        visitAll(call, held);
        if (call.references().subsetOf(available)) {
          calls
              .computeIfAbsent(
                  call.canonicalized(), canonical -> new Places(call, new ArrayList<>()))
              .guards()
              .add(held);
        }
      }
      case If choice when kinds.contains(Kind.IF) -> {
        visit(choice.predicate(), held);
        visit(choice.trueValue(), with(held, isTrue(choice.predicate())));
        visit(choice.falseValue(), with(held, new Not(isTrue(choice.predicate()))));
      }
      case CaseWhen choice when kinds.contains(Kind.CASE) -> visitCase(choice, held);
      case Coalesce first when kinds.contains(Kind.COALESCE) -> {
        List<Expression> guard = held;
        for (Expression child : ScalaInterop.<Expression>list(first.children())) {
          visit(child, guard);
          guard = with(guard, new IsNull(child));
        }
      }
      case And and when kinds.contains(Kind.AND) -> {
        List<Expression> guard = held;
        for (Expression operand : cheapFirst(ExtractInference.conjuncts(and))) {
          visit(operand, guard);
          guard = with(guard, new Not(new EqualNullSafe(operand, Literal$.MODULE$.FalseLiteral())));
        }
      }
      case Or or when kinds.contains(Kind.OR) -> {
        List<Expression> guard = held;
        for (Expression operand : cheapFirst(disjuncts(or))) {
          visit(operand, guard);
          guard = with(guard, new Not(isTrue(operand)));
        }
      }
      case AggregateExpression function
          when kinds.contains(Kind.FILTER) && function.filter().isDefined() -> {
        Expression filter = function.filter().get();
        visit(filter, held);
        visit(function.aggregateFunction(), with(held, isTrue(filter)));
      }
      default -> visitAll(expression, held);
    }
  }

  private void visitAll(Expression expression, List<Expression> held) {
    ScalaInterop.<Expression>list(expression.children()).forEach(child -> visit(child, held));
  }

  private void visitCase(CaseWhen choice, List<Expression> held) {
    List<Expression> guard = held;
    for (Tuple2<Expression, Expression> branch :
        ScalaInterop.<Tuple2<Expression, Expression>>list(choice.branches())) {
      visit(branch._1(), guard);
      visit(branch._2(), with(guard, isTrue(branch._1())));
      guard = with(guard, new Not(isTrue(branch._1())));
    }
    if (choice.elseValue().isDefined()) {
      visit(choice.elseValue().get(), guard);
    }
  }

  private static List<Expression> disjuncts(Expression condition) {
    if (condition instanceof Or or) {
      List<Expression> all = new ArrayList<>(disjuncts(or.left()));
      all.addAll(disjuncts(or.right()));
      return all;
    }
    return List.of(condition);
  }

  /// What decides without a model decides first: neither AND nor OR cares about the order.
  static List<Expression> cheapFirst(List<Expression> operands) {
    return operands.stream().sorted(Comparator.comparingInt(Guards::cost)).toList();
  }

  /// 0 without calls, 1 for calls that need a tokenizer alone, 2 for calls of a model.
  private static int cost(Expression expression) {
    boolean callsModel =
        expression.exists(
            ScalaInterop.predicate(e -> e instanceof ModelCall call && call.callsModel()));
    return callsModel ? 2 : LiftedCalls.contains(expression) ? 1 : 0;
  }

  private static Expression isTrue(Expression condition) {
    return new EqualNullSafe(condition, Literal$.MODULE$.TrueLiteral());
  }

  private static List<Expression> with(List<Expression> held, Expression condition) {
    List<Expression> more = new ArrayList<>(held);
    more.add(condition);
    return more;
  }

  /// Conditions of guards that are random: they must be drawn once, for the guard and for the
  /// expression that it stands in.
  List<Expression> randomConditions() {
    return calls.values().stream()
        .flatMap(places -> places.guards().stream())
        .flatMap(List::stream)
        .filter(condition -> !condition.deterministic())
        .toList();
  }

  /// The calls, each with its guard, in an order in which they can be computed.
  List<Guarded> guarded() {
    Set<Expression> settled = new HashSet<>();
    List<Guarded> all = new ArrayList<>();
    calls.forEach(
        (canonical, places) -> {
          List<List<Expression>> guards =
              places.guards().stream()
                  .map(guard -> guard.stream().filter(c -> isUsable(c, settled)).toList())
                  .toList();
          all.add(new Guarded(places.call(), guard(places.call(), weakest(guards))));
          settled.add(canonical);
        });
    return all;
  }

  private boolean isUsable(Expression condition, Set<Expression> settled) {
    return condition.deterministic()
        && condition.references().subsetOf(available)
        && !condition.exists(
            ScalaInterop.predicate(
                e -> e instanceof ModelCall call && !settled.contains(call.canonicalized())));
  }

  /// Guards of which none implies another.
  private static List<List<Expression>> weakest(List<List<Expression>> guards) {
    Map<Set<Expression>, List<Expression>> distinct = new LinkedHashMap<>();
    for (List<Expression> guard : guards) {
      Set<Expression> conditions = new HashSet<>();
      guard.forEach(condition -> conditions.add(condition.canonicalized()));
      distinct.putIfAbsent(conditions, guard);
    }
    return distinct.entrySet().stream()
        .filter(
            guard ->
                distinct.keySet().stream()
                    .noneMatch(
                        other ->
                            other.size() < guard.getKey().size()
                                && guard.getKey().containsAll(other)))
        .map(Map.Entry::getValue)
        .toList();
  }

  private static ModelCall guard(ModelCall call, List<List<Expression>> guards) {
    if (guards.stream().anyMatch(List::isEmpty)) {
      return call;
    }
    Expression condition =
        guards.stream()
            .map(ExtractInference::conjunction)
            .reduce(Or::new)
            .orElseThrow(() -> new IllegalStateException("A call without a place: " + call));
    List<Expression> arguments = new ArrayList<>();
    for (Expression argument : ScalaInterop.<Expression>list(call.children())) {
      // The first is a parameter of every function, and NULL there asks nothing. Other literals
      // need no guard: they cannot fail for a row.
      boolean isFirst = arguments.isEmpty();
      arguments.add(
          isFirst || !argument.foldable()
              ? new If(condition, argument, new Literal(null, argument.dataType()))
              : argument);
    }
    return (ModelCall) call.withNewChildren(ScalaInterop.seq(arguments));
  }
}

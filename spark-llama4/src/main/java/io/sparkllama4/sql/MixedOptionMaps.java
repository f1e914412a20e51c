package io.sparkllama4.sql;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.apache.spark.sql.catalyst.analysis.UnresolvedFunction;
import org.apache.spark.sql.catalyst.expressions.CreateMap;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.expressions.NamedArgumentExpression;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.rules.Rule;
import org.apache.spark.sql.types.StringType;
import scala.collection.immutable.Seq;

/// Takes a map of options apart whose values have no common type, as in `map('max_tokens', 20,
/// 'stop', array('END'))`: each becomes an argument by name. Clients that make columns have no
/// named arguments, only maps.
///
/// A resolution rule. Spark resolves a function when its arguments are, and such a map never is;
/// any map that is resolved is left alone.
public final class MixedOptionMaps extends Rule<LogicalPlan> {
  private final Set<String> functions;

  /// Works for calls of the functions with these names.
  public MixedOptionMaps(Set<String> functions) {
    this.functions = Set.copyOf(functions);
  }

  @Override
  public LogicalPlan apply(LogicalPlan plan) {
    return plan.transformAllExpressions(
        ScalaInterop.<Expression>rewriting(
            expression ->
                expression instanceof UnresolvedFunction call && isOurs(call)
                    ? takeApart(call)
                    : Optional.empty()));
  }

  private boolean isOurs(UnresolvedFunction call) {
    return functions.contains(call.nameParts().last().toLowerCase(Locale.ROOT));
  }

  private static Optional<Expression> takeApart(UnresolvedFunction call) {
    List<Expression> arguments = new ArrayList<>();
    boolean changed = false;
    for (Expression argument : ScalaInterop.<Expression>list(call.arguments())) {
      if (argument instanceof CreateMap map && isMixed(map)) {
        for (int i = 0; i < map.keys().size(); i++) {
          String name = ((Literal) map.keys().apply(i)).value().toString();
          arguments.add(new NamedArgumentExpression(name, map.values().apply(i)));
        }
        changed = true;
      } else {
        arguments.add(argument);
      }
    }
    if (!changed) {
      return Optional.empty();
    }
    Seq<Expression> named = ScalaInterop.seq(arguments);
    return Optional.of(
        new UnresolvedFunction(
            call.nameParts(),
            named,
            call.isDistinct(),
            call.filter(),
            call.ignoreNulls(),
            call.orderingWithinGroup(),
            call.isInternal()));
  }

  private static boolean isMixed(CreateMap map) {
    return map.childrenResolved()
        && map.checkInputDataTypes().isFailure()
        && ScalaInterop.<Expression>list(map.keys()).stream()
            .allMatch(
                key ->
                    key instanceof Literal literal
                        && literal.dataType() instanceof StringType
                        && literal.value() != null);
  }
}

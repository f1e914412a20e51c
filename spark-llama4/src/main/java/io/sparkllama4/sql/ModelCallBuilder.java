package io.sparkllama4.sql;

import io.sparkllama4.rows.CallKind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.spark.sql.catalyst.expressions.Cast;
import org.apache.spark.sql.catalyst.expressions.CreateMap;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.expressions.NamedArgumentExpression;
import org.apache.spark.sql.errors.QueryCompilationErrors;
import org.apache.spark.sql.types.StringType;
import org.jspecify.annotations.Nullable;
import scala.collection.immutable.Seq;

/// Makes a [ModelCall] of the arguments of an SQL function: those of its parameters, then options
/// as a map or by name, in any order of names.
public final class ModelCallBuilder {
  private final CallKind kind;
  private final @Nullable Expression[] arguments;
  private @Nullable Expression optionMap;
  private final Map<String, Expression> options = new LinkedHashMap<>();

  private ModelCallBuilder(CallKind kind) {
    this.kind = kind;
    this.arguments = new Expression[kind.parameters().size()];
  }

  /// The call of `kind` with these arguments.
  public static Expression build(CallKind kind, Seq<Expression> arguments) {
    return new ModelCallBuilder(kind).build(ScalaInterop.list(arguments));
  }

  private Expression build(List<Expression> given) {
    int positional = 0;
    String lastName = "";
    for (Expression argument : given) {
      if (argument instanceof NamedArgumentExpression named) {
        lastName = named.key().toLowerCase(Locale.ROOT);
        name(lastName, named.value());
      } else if (!lastName.isEmpty()) {
        throw refused(
            QueryCompilationErrors.unexpectedPositionalArgument(kind.function(), lastName));
      } else if (positional <= arguments.length) {
        name(nameOf(positional++), argument);
      } else {
        throw wrongCount(given.size());
      }
    }
    if (given.size() < arguments.length && lastName.isEmpty()) {
      throw wrongCount(given.size());
    }
    for (int i = 0; i < arguments.length; i++) {
      if (arguments[i] == null) {
        throw refused(
            QueryCompilationErrors.requiredParameterNotFound(
                kind.function(), kind.parameters().get(i).name(), i));
      }
    }
    return call();
  }

  /// The name of an argument that comes without one.
  private String nameOf(int position) {
    return position < arguments.length
        ? kind.parameters().get(position).name()
        : kind.lastArgument();
  }

  private RuntimeException wrongCount(int found) {
    throw refused(
        QueryCompilationErrors.wrongNumArgsError(
            kind.function(),
            ScalaInterop.<Object>seq(List.of(arguments.length, arguments.length + 1)),
            found,
            QueryCompilationErrors.wrongNumArgsError$default$4(),
            QueryCompilationErrors.wrongNumArgsError$default$5(),
            QueryCompilationErrors.wrongNumArgsError$default$6()));
  }

  private static RuntimeException refused(Throwable condition) {
    throw Conditions.<RuntimeException>raise((Exception) condition);
  }

  private void name(String name, Expression value) {
    if (isTaken(name, value)) {
      throw refused(QueryCompilationErrors.doubleNamedArgumentReference(kind.function(), name));
    }
  }

  /// Sets what `name` stands for; true where it was set before.
  private boolean isTaken(String name, Expression value) {
    for (int i = 0; i < arguments.length; i++) {
      if (kind.parameters().get(i).isCalled(name)) {
        boolean given = arguments[i] != null;
        arguments[i] = value;
        return given;
      }
    }
    if (name.equals("options")) {
      boolean given = optionMap != null;
      optionMap = value;
      return given;
    }
    return options.put(name, value) != null;
  }

  private Expression call() {
    List<Expression> children = new ArrayList<>();
    for (Expression argument : arguments) {
      children.add(Objects.requireNonNull(argument));
    }
    // Sorted, so that the order in which options are written makes no different calls.
    Map<String, Expression> named = new TreeMap<>();
    Expression map = optionMap;
    if (map instanceof CreateMap literal && keysAreTexts(literal)) {
      // Taken apart, values of different types need no common one.
      for (int i = 0; i < literal.keys().size(); i++) {
        named.put(
            ((Literal) literal.keys().apply(i)).value().toString(),
            withoutCoercion(literal.values().apply(i)));
      }
      map = null;
    }
    named.putAll(options);
    children.addAll(named.values());
    if (map != null) {
      children.add(map);
    }
    return new ModelCall(
        kind, List.copyOf(named.keySet()), map != null, ScalaInterop.seq(children));
  }

  /// A value of a map as it was written: to give all values one type, analysis may have made a
  /// BIGINT of the text '0.5' because another one is a BIGINT. Casts of the user's own stay.
  private static Expression withoutCoercion(Expression value) {
    boolean isCoerced =
        value instanceof Cast cast && cast.getTagValue(Cast.USER_SPECIFIED_CAST()).isEmpty();
    return isCoerced ? ((Cast) value).child() : value;
  }

  private static boolean keysAreTexts(CreateMap map) {
    return ScalaInterop.<Expression>list(map.keys()).stream()
        .allMatch(
            key ->
                key instanceof Literal literal
                    && literal.dataType() instanceof StringType
                    && literal.value() != null);
  }

  /// The call with its map of options taken apart, where the map's keys are literals.
  static Optional<Expression> takeApart(ModelCall call) {
    if (call.hasOptionMap() && call.optionMap() instanceof CreateMap map && keysAreTexts(map)) {
      ModelCallBuilder builder = new ModelCallBuilder(call.kind());
      for (int i = 0; i < builder.arguments.length; i++) {
        builder.arguments[i] = call.argument(i);
      }
      builder.optionMap = map;
      for (int i = 0; i < call.optionNames().size(); i++) {
        builder.options.put(call.optionNames().get(i), call.option(i));
      }
      return Optional.of(builder.call());
    }
    return Optional.empty();
  }
}

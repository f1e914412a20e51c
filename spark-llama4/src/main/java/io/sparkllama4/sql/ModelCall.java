package io.sparkllama4.sql;

import io.sparkllama4.rows.ArgumentType;
import io.sparkllama4.rows.CallKind;
import io.sparkllama4.rows.ResultValues;
import io.sparkllama4.rows.RowOptions;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.analysis.TypeCheckResult;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.Unevaluable;
import org.apache.spark.sql.catalyst.expressions.codegen.CodegenContext;
import org.apache.spark.sql.catalyst.expressions.codegen.ExprCode;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.MapType;
import org.apache.spark.sql.types.NullType;
import org.apache.spark.sql.types.StringType;
import scala.collection.immutable.IndexedSeq;
import scala.collection.immutable.Seq;

/// A call of a model, as an expression: what the SQL functions become.
///
/// It is never evaluated where it stands: [ExtractInference] replaces it by a column of an
/// [Inference] operator. It says that it is expensive, so that the optimizer does not make two of
/// one, and that it is not foldable, so that no driver tries to compute it.
@SuppressWarnings(
    "serial") // Scala's sequences are serializable, though their interface does not say so.
public final class ModelCall extends Expression implements Unevaluable, Serializable {
  private static final long serialVersionUID = 1L;

  /// Arguments as Spark's messages count them.
  private static final List<String> PLACES = List.of("first", "second", "third");

  private final CallKind kind;
  private final List<String> optionNames;
  private final boolean hasOptionMap;
  private final Seq<Expression> children;

  /// A call.
  ///
  /// @param kind which function
  /// @param optionNames names of the options that are given one by one
  /// @param hasOptionMap whether the last child is a map of options
  /// @param children the function's parameters, the options' values, the map
  public ModelCall(
      CallKind kind, List<String> optionNames, boolean hasOptionMap, Seq<Expression> children) {
    this.kind = kind;
    this.optionNames = List.copyOf(optionNames);
    this.hasOptionMap = hasOptionMap;
    this.children = children;
  }

  /// Which function it is.
  public CallKind kind() {
    return kind;
  }

  /// Whether a model is asked, so that a row costs something.
  public boolean callsModel() {
    return kind.callsModel();
  }

  /// The argument of the function's parameter `i`.
  public Expression argument(int i) {
    return children.apply(i);
  }

  private int parameters() {
    return kind.parameters().size();
  }

  /// Names of the options that are given one by one, in the order of their values.
  public List<String> optionNames() {
    return optionNames;
  }

  /// The value of option `i`.
  public Expression option(int i) {
    return children.apply(parameters() + i);
  }

  /// True where options come as a map as well.
  public boolean hasOptionMap() {
    return hasOptionMap;
  }

  /// The map of options, where there is one.
  public Expression optionMap() {
    return children.last();
  }

  @Override
  public Seq<Expression> children() {
    return children;
  }

  @Override
  public Expression withNewChildrenInternal(IndexedSeq<Expression> newChildren) {
    return new ModelCall(kind, optionNames, hasOptionMap, newChildren);
  }

  @Override
  public DataType dataType() {
    return ResultValues.type(kind);
  }

  /// True even where the prompt is never NULL: `IS NOT NULL` of a call must not be decided without
  /// it.
  @Override
  public boolean nullable() {
    return true;
  }

  @Override
  public boolean foldable() {
    return false;
  }

  @Override
  public boolean expensive() {
    return true;
  }

  @Override
  public String prettyName() {
    return kind.function();
  }

  @Override
  public TypeCheckResult checkInputDataTypes() {
    for (int i = 0; i < parameters(); i++) {
      ArgumentType type = kind.parameters().get(i).type();
      if (!type.accepts(argument(i).dataType())) {
        return mismatch(PLACES.get(i), type.sql(), argument(i));
      }
    }
    if (hasOptionMap && !holdsOptions(optionMap().dataType())) {
      return mismatch(PLACES.get(parameters()), "\"MAP<STRING, ...>\"", optionMap());
    }
    return TypeCheckResult.TypeCheckSuccess$.MODULE$;
  }

  /// True of a map by name, and of a NULL, which chooses nothing.
  private static boolean holdsOptions(DataType type) {
    return type instanceof NullType
        || (type instanceof MapType map
            && map.keyType() instanceof StringType
            && (map.valueType() instanceof NullType || RowOptions.isReadable(map.valueType())));
  }

  private static TypeCheckResult mismatch(String place, String required, Expression found) {
    return new TypeCheckResult.DataTypeMismatch(
        "UNEXPECTED_INPUT_TYPE",
        ScalaMaps.of(
            Map.of(
                "paramIndex",
                place,
                "requiredType",
                required,
                "inputSql",
                "\"" + found.sql() + "\"",
                "inputType",
                "\"" + found.dataType().sql() + "\"")));
  }

  @Override
  public Object eval(InternalRow input) {
    throw notLifted();
  }

  @Override
  public ExprCode doGenCode(CodegenContext context, ExprCode code) {
    throw notLifted();
  }

  private IllegalStateException notLifted() {
    return new IllegalStateException(
        "A call of " + prettyName() + " was not lifted out of its expression: " + sql());
  }

  /// The call as it could be written: options by name.
  @Override
  public String sql() {
    return render(Expression::sql);
  }

  @Override
  public String toString() {
    return render(Expression::toString);
  }

  private String render(java.util.function.Function<Expression, String> shown) {
    List<String> arguments = new ArrayList<>();
    for (int i = 0; i < parameters(); i++) {
      arguments.add(shown.apply(argument(i)));
    }
    if (hasOptionMap) {
      arguments.add(shown.apply(optionMap()));
    }
    for (int i = 0; i < optionNames.size(); i++) {
      arguments.add(optionNames.get(i) + " => " + shown.apply(option(i)));
    }
    return prettyName() + "(" + String.join(", ", arguments) + ")";
  }

  @Override
  public int productArity() {
    return 4;
  }

  @Override
  public Object productElement(int i) {
    return switch (i) {
      case 0 -> kind;
      case 1 -> optionNames;
      case 2 -> hasOptionMap;
      case 3 -> children;
      default -> throw new IndexOutOfBoundsException(i);
    };
  }

  @Override
  public boolean canEqual(Object other) {
    return other instanceof ModelCall;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ModelCall call
        && kind == call.kind
        && optionNames.equals(call.optionNames)
        && hasOptionMap == call.hasOptionMap
        && children.equals(call.children);
  }

  @Override
  public int hashCode() {
    return Objects.hash(kind, optionNames, hasOptionMap, children);
  }
}

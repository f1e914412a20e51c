package io.sparkllama4.sql;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.error.Llama4Exception;
import io.sparkllama4.plugin.Llama4Conf;
import io.sparkllama4.rows.CallKind;
import io.sparkllama4.rows.CallPlan;
import io.sparkllama4.rows.Labels;
import io.sparkllama4.rows.RowOptions;
import io.sparkllama4.runtime.GenerationOptions;
import io.sparkllama4.runtime.OptionKind;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.catalyst.util.ArrayData;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StringType;

/// The arguments of a call, told apart: the model, which the plan must know, and what a row may
/// change.
final class CallArguments {
  private final ModelCall call;

  CallArguments(ModelCall call) {
    this.call = call;
  }

  /// The alias of the model.
  ///
  /// @throws io.sparkllama4.error.Llama4Exception with INVALID_OPTION where it is no literal text
  String alias() {
    for (int i = 0; i < call.optionNames().size(); i++) {
      if (call.optionNames().get(i).equals(CallKind.MODEL)) {
        Expression value = call.option(i);
        Object alias =
            value.foldable() && value.dataType() instanceof StringType ? value.eval(null) : null;
        if (alias == null) {
          throw ErrorReport.of(
                  ErrorCode.INVALID_OPTION,
                  "Option [model] must be a literal text, since the plan must know the model")
              .found(value.sql(), "the alias of a model in quotes")
              .key(CallKind.MODEL)
              .exception();
        }
        return alias.toString();
      }
    }
    return Llama4Conf.DEFAULT_ALIAS;
  }

  /// Checks names, types and, where they are literals, values.
  ///
  /// @throws io.sparkllama4.error.Llama4Exception with UNKNOWN_OPTION or INVALID_OPTION
  void check() {
    GenerationOptions literals = GenerationOptions.of(call.kind().options());
    for (int i = 0; i < call.optionNames().size(); i++) {
      String name = call.optionNames().get(i);
      if (name.equals(CallKind.MODEL)) {
        continue;
      }
      OptionKind kind =
          call.kind()
              .options()
              .kind(name)
              .orElseThrow(() -> GenerationOptions.unknown(name, call.kind().optionNames()));
      Expression value = call.option(i);
      if (!RowOptions.accepts(kind, value.dataType())) {
        throw wrongType(name, value, kind);
      }
      boolean isNull = value.dataType().equals(DataTypes.NullType);
      Object literal = value.foldable() && !isNull ? value.eval(null) : null;
      if (literal != null) {
        var row = new GenericInternalRow(new Object[] {literal});
        literals = literals.with(name, RowOptions.value(row, 0, value.dataType()));
      }
    }
    literals.check();
    checkLabels(literals);
  }

  /// Labels that are literals are checked once, and not with every row.
  private void checkLabels(GenerationOptions literals) {
    if (call.kind() != CallKind.CLASSIFY) {
      return;
    }
    Expression labels = call.argument(1);
    if (labels.foldable() && labels.eval(null) instanceof ArrayData data) {
      Labels.read(data).requireDescribed(literals.descriptions());
    }
  }

  private static Llama4Exception wrongType(String name, Expression value, OptionKind kind) {
    return ErrorReport.of(
            ErrorCode.INVALID_OPTION,
            "Option ["
                + name
                + "] cannot be ["
                + value.sql()
                + "] of type "
                + value.dataType().sql())
        .found(value.dataType().sql(), kind.expectation())
        .key(name)
        .exception();
  }

  /// The call as a task sees it.
  CallPlan plan() {
    List<CallPlan.Option> options = new ArrayList<>();
    for (int i = 0; i < call.optionNames().size(); i++) {
      if (isColumn(i)) {
        options.add(new CallPlan.Option(call.optionNames().get(i), call.option(i).dataType()));
      }
    }
    List<DataType> types = new ArrayList<>();
    for (int i = 0; i < call.kind().parameters().size(); i++) {
      types.add(call.argument(i).dataType());
    }
    DataType map = call.hasOptionMap() ? call.optionMap().dataType() : DataTypes.NullType;
    return new CallPlan(call.kind(), alias(), types, options, map);
  }

  /// The expressions whose values a task gets, in the order of [CallPlan].
  List<Expression> columns() {
    List<Expression> columns = new ArrayList<>();
    for (int i = 0; i < call.kind().parameters().size(); i++) {
      columns.add(call.argument(i));
    }
    for (int i = 0; i < call.optionNames().size(); i++) {
      if (isColumn(i)) {
        columns.add(call.option(i));
      }
    }
    if (call.hasOptionMap()) {
      columns.add(call.optionMap());
    }
    return columns;
  }

  private boolean isColumn(int i) {
    return !call.optionNames().get(i).equals(CallKind.MODEL)
        && !call.option(i).dataType().equals(DataTypes.NullType);
  }
}

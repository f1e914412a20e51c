package io.sparkllama4.rows;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.runtime.GenerationOptions;
import io.sparkllama4.runtime.OptionKind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.SpecializedGetters;
import org.apache.spark.sql.catalyst.util.ArrayData;
import org.apache.spark.sql.catalyst.util.MapData;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.BooleanType;
import org.apache.spark.sql.types.ByteType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DecimalType;
import org.apache.spark.sql.types.DoubleType;
import org.apache.spark.sql.types.FloatType;
import org.apache.spark.sql.types.IntegerType;
import org.apache.spark.sql.types.LongType;
import org.apache.spark.sql.types.MapType;
import org.apache.spark.sql.types.NullType;
import org.apache.spark.sql.types.NumericType;
import org.apache.spark.sql.types.ShortType;
import org.apache.spark.sql.types.StringType;

/// Reads a row's options from the columns of its arguments. A NULL option counts as not given.
public final class RowOptions {
  private RowOptions() {}

  /// The options of a call.
  ///
  /// @throws io.sparkllama4.error.Llama4Exception with INVALID_OPTION or UNKNOWN_OPTION
  static GenerationOptions read(CallPlan plan, InternalRow arguments) {
    GenerationOptions options = GenerationOptions.of(plan.kind().options());
    int column = plan.types().size();
    for (CallPlan.Option option : plan.options()) {
      if (!arguments.isNullAt(column)) {
        options = options.with(option.name(), value(arguments, column, option.type()));
      }
      column++;
    }
    if (plan.optionMap() instanceof MapType type && !arguments.isNullAt(column)) {
      MapData data = arguments.getMap(column);
      for (int i = 0; i < data.numElements(); i++) {
        if (!data.valueArray().isNullAt(i)) {
          String name = data.keyArray().getUTF8String(i).toString();
          requireOption(plan.kind(), name);
          options = options.with(name, value(data.valueArray(), i, type.valueType()));
        }
      }
    }
    return options;
  }

  /// Refuses names in a map whose names the plan did not know.
  private static void requireOption(CallKind kind, String name) {
    if (name.equals(CallKind.MODEL)) {
      throw ErrorReport.of(
              ErrorCode.INVALID_OPTION,
              "Option [model] cannot come from a column, since the plan must know the model")
          .found("a map whose names are not literals", "model => '<alias>'")
          .key(name)
          .exception();
    }
    if (kind.options().kind(name).isEmpty()) {
      throw GenerationOptions.unknown(name, kind.optionNames());
    }
  }

  /// True where a value of `type` can be one of `kind`.
  public static boolean accepts(OptionKind kind, DataType type) {
    boolean isText = type instanceof StringType || type instanceof NullType;
    boolean isNumber = type instanceof NumericType || isText;
    DataType element = type instanceof ArrayType array ? array.elementType() : type;
    return switch (kind) {
      case INTEGER, LONG, NUMBER -> isNumber;
      case FLAG -> type instanceof BooleanType || isText;
      case TEXT -> isText;
      case TEXTS -> element instanceof StringType || element instanceof NullType;
      case IDS ->
          element instanceof NumericType
              || element instanceof StringType
              || element instanceof NullType;
      case TEXT_MAP ->
          type instanceof NullType
              || (type instanceof MapType map
                  && map.keyType() instanceof StringType
                  && map.valueType() instanceof StringType);
    };
  }

  /// True of types that [#value] reads.
  public static boolean isReadable(DataType type) {
    return switch (type) {
      case StringType _,
          BooleanType _,
          ByteType _,
          ShortType _,
          IntegerType _,
          LongType _,
          FloatType _,
          DoubleType _,
          DecimalType _ ->
          true;
      case ArrayType array ->
          !(array.elementType() instanceof ArrayType) && isReadable(array.elementType());
      case MapType map -> isText(map.keyType()) && isText(map.valueType());
      default -> false;
    };
  }

  private static boolean isText(DataType type) {
    return type instanceof StringType;
  }

  /// A value as [GenerationOptions#with] takes it.
  public static Object value(SpecializedGetters row, int i, DataType type) {
    return switch (type) {
      case StringType _ -> row.getUTF8String(i).toString();
      case BooleanType _ -> row.getBoolean(i);
      case ByteType _ -> (long) row.getByte(i);
      case ShortType _ -> (long) row.getShort(i);
      case IntegerType _ -> (long) row.getInt(i);
      case LongType _ -> row.getLong(i);
      case FloatType _ -> (double) row.getFloat(i);
      case DoubleType _ -> row.getDouble(i);
      case DecimalType decimal ->
          row.getDecimal(i, decimal.precision(), decimal.scale()).toJavaBigDecimal();
      case ArrayType array -> list(row.getArray(i), array.elementType());
      case MapType map when isText(map.keyType()) && isText(map.valueType()) ->
          texts(row.getMap(i));
      default ->
          throw ErrorReport.of(
                  ErrorCode.INVALID_OPTION, "An option cannot be a value of type " + type.sql())
              .found(type.sql(), "STRING, BOOLEAN, a number, or an array of them")
              .exception();
    };
  }

  private static List<Object> list(ArrayData data, DataType type) {
    List<Object> values = new ArrayList<>();
    for (int i = 0; i < data.numElements(); i++) {
      if (!data.isNullAt(i)) {
        values.add(value(data, i, type));
      }
    }
    return values;
  }

  private static Map<String, String> texts(MapData data) {
    Map<String, String> texts = new LinkedHashMap<>();
    for (int i = 0; i < data.numElements(); i++) {
      if (!data.valueArray().isNullAt(i)) {
        texts.put(
            data.keyArray().getUTF8String(i).toString(),
            data.valueArray().getUTF8String(i).toString());
      }
    }
    return texts;
  }
}

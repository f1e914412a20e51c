package io.sparkllama4.rows;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.runtime.GenerationOptions;
import java.util.ArrayList;
import java.util.List;
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
import org.apache.spark.sql.types.ShortType;
import org.apache.spark.sql.types.StringType;

/// Reads a row's options from the columns of its arguments. A NULL option counts as not given.
public final class RowOptions {
  private RowOptions() {}

  /// The options of a call.
  ///
  /// @throws io.sparkllama4.error.Llama4Exception with INVALID_OPTION or UNKNOWN_OPTION
  static GenerationOptions read(CallPlan plan, InternalRow arguments) {
    GenerationOptions options = GenerationOptions.NONE;
    for (int i = 0; i < plan.options().size(); i++) {
      if (!arguments.isNullAt(i + 1)) {
        CallPlan.Option option = plan.options().get(i);
        options = options.with(option.name(), value(arguments, i + 1, option.type()));
      }
    }
    int map = plan.options().size() + 1;
    if (plan.optionMap() instanceof MapType type && !arguments.isNullAt(map)) {
      MapData data = arguments.getMap(map);
      for (int i = 0; i < data.numElements(); i++) {
        if (!data.valueArray().isNullAt(i)) {
          options =
              options.with(
                  data.keyArray().getUTF8String(i).toString(),
                  value(data.valueArray(), i, type.valueType()));
        }
      }
    }
    return options;
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
      default -> false;
    };
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
}

package io.sparkllama4.cli.spark;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigDecimal;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.execution.HiveResult;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.jspecify.annotations.Nullable;
import scala.Tuple2;
import scala.jdk.javaapi.CollectionConverters;

/// Spark's values as JSON: numbers and booleans as such, arrays as arrays, structs as objects with
/// all fields, NULL as null, everything else as the text that Spark's own shell shows.
final class SparkValues {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private SparkValues() {}

  /// The values of a row.
  static ArrayNode values(Row row, StructType schema) {
    ArrayNode values = JSON.arrayNode();
    for (int i = 0; i < row.size(); i++) {
      values.add(json(row.get(i), schema.fields()[i].dataType()));
    }
    return values;
  }

  private static JsonNode json(@Nullable Object value, DataType type) {
    return switch (value) {
      case null -> JSON.nullNode();
      case Boolean flag -> JSON.booleanNode(flag);
      case Byte number -> JSON.numberNode(number);
      case Short number -> JSON.numberNode(number);
      case Integer number -> JSON.numberNode(number);
      case Long number -> JSON.numberNode(number);
      case BigDecimal number -> JSON.numberNode(number);
      // JSON has no infinities and no NaN; as texts they stay what they are.
      case Float number when Float.isFinite(number) -> JSON.numberNode(number);
      case Double number when Double.isFinite(number) -> JSON.numberNode(number);
      case Row row when type instanceof StructType struct -> object(row, struct);
      case scala.collection.Seq<?> seq when type instanceof ArrayType array ->
          array(CollectionConverters.asJava(seq), array.elementType());
      case String text -> JSON.textNode(text);
      default ->
          JSON.textNode(
              HiveResult.toHiveString(
                  new Tuple2<>(value, type),
                  false,
                  HiveResult.getTimeFormatters(),
                  HiveResult.getBinaryFormatter()));
    };
  }

  private static JsonNode array(Iterable<?> values, DataType type) {
    ArrayNode array = JSON.arrayNode();
    values.forEach(value -> array.add(json(value, type)));
    return array;
  }

  private static JsonNode object(Row row, StructType struct) {
    ObjectNode object = JSON.objectNode();
    for (int i = 0; i < row.size(); i++) {
      StructField field = struct.fields()[i];
      object.set(field.name(), json(row.get(i), field.dataType()));
    }
    return object;
  }

  /// The columns of a result.
  static ArrayNode columns(StructType schema) {
    ArrayNode columns = JSON.arrayNode();
    for (StructField field : schema.fields()) {
      columns.addObject().put("name", field.name()).put("type", field.dataType().simpleString());
    }
    return columns;
  }
}

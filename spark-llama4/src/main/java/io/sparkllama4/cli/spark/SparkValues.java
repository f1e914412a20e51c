package io.sparkllama4.cli.spark;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigDecimal;
import java.util.Locale;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.jspecify.annotations.Nullable;
import scala.jdk.javaapi.CollectionConverters;

/// Spark's values as JSON: numbers and booleans as such, arrays as arrays, structs as objects with
/// all fields, NULL as null, everything else as text.
final class SparkValues {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private SparkValues() {}

  static JsonNode json(@Nullable Object value) {
    return switch (value) {
      case null -> JSON.nullNode();
      case Boolean flag -> JSON.booleanNode(flag);
      case Byte number -> JSON.numberNode(number);
      case Short number -> JSON.numberNode(number);
      case Integer number -> JSON.numberNode(number);
      case Long number -> JSON.numberNode(number);
      case BigDecimal number -> JSON.numberNode(number);
      case Float number -> real(number);
      case Double number -> real(number);
      case Row row -> struct(row);
      case scala.collection.Seq<?> seq -> array(CollectionConverters.asJava(seq));
      case java.util.List<?> list -> array(list);
      default -> JSON.textNode(value.toString());
    };
  }

  /// JSON has no infinities and no NaN; as texts they stay what they are.
  private static JsonNode real(double number) {
    return Double.isFinite(number)
        ? JSON.numberNode(number)
        : JSON.textNode(Double.toString(number));
  }

  private static JsonNode array(Iterable<?> values) {
    ArrayNode array = JSON.arrayNode();
    values.forEach(value -> array.add(json(value)));
    return array;
  }

  private static JsonNode struct(Row row) {
    ObjectNode object = JSON.objectNode();
    for (int i = 0; i < row.size(); i++) {
      object.set(row.schema().fields()[i].name(), json(row.get(i)));
    }
    return object;
  }

  /// The columns of a result.
  static ArrayNode columns(StructType schema) {
    ArrayNode columns = JSON.arrayNode();
    for (StructField field : schema.fields()) {
      columns
          .addObject()
          .put("name", field.name())
          .put("type", field.dataType().simpleString().toLowerCase(Locale.ROOT));
    }
    return columns;
  }
}

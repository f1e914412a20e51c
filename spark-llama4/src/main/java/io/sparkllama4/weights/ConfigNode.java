package io.sparkllama4.weights;

import com.fasterxml.jackson.databind.JsonNode;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.error.Llama4Exception;
import java.util.ArrayList;
import java.util.List;

/// An object of `config.json` or its like, read with names in every complaint.
///
/// @param file the file's name
/// @param node the object
/// @param path the names that lead to it, as `text_config.`; empty at the top
record ConfigNode(String file, JsonNode node, String path) {

  /// True where the field is there and not null.
  boolean has(String name) {
    return node.hasNonNull(name);
  }

  /// True where the field is written as null.
  boolean isNull(String name) {
    return node.has(name) && node.get(name).isNull();
  }

  ConfigNode object(String name) {
    JsonNode value = node.path(name);
    if (!value.isObject()) {
      throw invalid(name, "an object");
    }
    return new ConfigNode(file, value, path + name + ".");
  }

  /// A size: an integer from 1 to 2^31 - 1.
  int size(String name) {
    return integer(name, 1);
  }

  /// A count, which may be 0.
  int count(String name) {
    return integer(name, 0);
  }

  private int integer(String name, int least) {
    JsonNode value = node.path(name);
    if (!value.isIntegralNumber() || !value.canConvertToInt() || value.intValue() < least) {
      throw invalid(name, "an integer from " + least + " to " + Integer.MAX_VALUE);
    }
    return value.intValue();
  }

  int count(String name, int otherwise) {
    return has(name) ? count(name) : otherwise;
  }

  /// A finite number above 0.
  double positive(String name, double otherwise) {
    double value = number(name, otherwise);
    if (!(value > 0)) {
      throw invalid(name, "a number above 0");
    }
    return value;
  }

  double number(String name, double otherwise) {
    if (!has(name)) {
      return otherwise;
    }
    JsonNode value = node.get(name);
    if (!value.isNumber() || !Double.isFinite(value.doubleValue())) {
      throw invalid(name, "a finite number");
    }
    return value.doubleValue();
  }

  boolean flag(String name, boolean otherwise) {
    if (!has(name)) {
      return otherwise;
    }
    if (!node.get(name).isBoolean()) {
      throw invalid(name, "true or false");
    }
    return node.get(name).booleanValue();
  }

  /// A flag that early files wrote as an integer: anything but 0 is true.
  boolean looseFlag(String name, boolean otherwise) {
    if (has(name) && node.get(name).isIntegralNumber()) {
      return node.get(name).longValue() != 0;
    }
    return flag(name, otherwise);
  }

  String text(String name, String otherwise) {
    if (!has(name)) {
      return otherwise;
    }
    if (!node.get(name).isTextual()) {
      throw invalid(name, "a text");
    }
    return node.get(name).textValue();
  }

  /// The elements of a list; none where the field is absent, null or an empty list.
  List<JsonNode> list(String name) {
    List<JsonNode> values = new ArrayList<>();
    if (has(name)) {
      if (!node.get(name).isArray()) {
        throw invalid(name, "a list");
      }
      node.get(name).forEach(values::add);
    }
    return values;
  }

  Llama4Exception invalid(String name, String expected) {
    return report(ErrorCode.INVALID_CONFIG, name, expected);
  }

  Llama4Exception unsupported(String name, String expected) {
    return report(ErrorCode.UNSUPPORTED_FEATURE, name, expected);
  }

  private Llama4Exception report(ErrorCode code, String name, String expected) {
    String found = node.has(name) ? node.get(name).toString() : "nothing";
    return ErrorReport.of(code, "Cannot use " + path + name + " of " + file)
        .file(file)
        .found(found.length() > 200 ? found.substring(0, 200) + "..." : found, expected)
        .exception();
  }
}

package io.sparkllama4.runtime;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import java.math.BigDecimal;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// What the value of an option must be. Values come as numbers, booleans, lists and maps, or as
/// texts that stand for one.
public enum OptionKind {
  /// An integer of 32 bits.
  INTEGER("an integer"),
  /// An integer of 64 bits.
  LONG("an integer of 64 bits"),
  /// A finite number.
  NUMBER("a number"),
  /// True or false.
  FLAG("true or false"),
  /// A text.
  TEXT("a text"),
  /// One text or several.
  TEXTS("a text or a list of texts"),
  /// One token id or several.
  IDS("a token id or a list of them"),
  /// Texts by text.
  TEXT_MAP("a map of texts");

  private final String expectation;

  OptionKind(String expectation) {
    this.expectation = expectation;
  }

  /// What is allowed, in words.
  public String expectation() {
    return expectation;
  }

  /// The value in its one form: Integer, Long, Double, Boolean, String, a list or a map of these.
  ///
  /// @param name the option
  /// @throws io.sparkllama4.error.Llama4Exception with INVALID_OPTION where it is of another kind
  Object convert(String name, Object value) {
    try {
      return switch (this) {
        case INTEGER -> number(value).intValueExact();
        case LONG -> number(value).longValueExact();
        case NUMBER -> number(value).doubleValue();
        case FLAG -> flag(value);
        case TEXT -> text(value);
        case TEXTS -> list(value).stream().map(OptionKind::text).toList();
        case IDS -> list(value).stream().map(id -> number(id).intValueExact()).toList();
        case TEXT_MAP -> texts(value);
      };
    } catch (ArithmeticException | IllegalArgumentException e) {
      throw ErrorReport.of(
              ErrorCode.INVALID_OPTION, "Option [" + name + "] cannot be [" + shown(value) + "]")
          .found(shown(value), expectation)
          .key(name)
          .exception(e);
    }
  }

  /// A value in a message; long ones cut, since they may hold a user's text.
  static String shown(Object value) {
    String text = String.valueOf(value);
    return text.length() <= 40 ? text : text.substring(0, 40) + "...";
  }

  private static BigDecimal number(Object value) {
    if (value instanceof Double || value instanceof Float) {
      double number = ((Number) value).doubleValue();
      if (!Double.isFinite(number)) {
        throw new IllegalArgumentException("not finite");
      }
      return BigDecimal.valueOf(number);
    }
    if (value instanceof Number || value instanceof String) {
      return new BigDecimal(value.toString().trim());
    }
    throw new IllegalArgumentException("no number");
  }

  private static Boolean flag(Object value) {
    return switch (value) {
      case Boolean flag -> flag;
      case String text when text.trim().equalsIgnoreCase("true") -> true;
      case String text when text.trim().equalsIgnoreCase("false") -> false;
      default -> throw new IllegalArgumentException("no flag");
    };
  }

  private static String text(Object value) {
    if (value instanceof String text) {
      return text;
    }
    throw new IllegalArgumentException("no text");
  }

  private static List<?> list(Object value) {
    return value instanceof List<?> list ? list : List.of(value);
  }

  private static Map<String, String> texts(Object value) {
    if (value instanceof Map<?, ?> map) {
      Map<String, String> texts = new LinkedHashMap<>();
      map.forEach((key, text) -> texts.put(text(key), text(text)));
      return texts;
    }
    throw new IllegalArgumentException("no map");
  }
}

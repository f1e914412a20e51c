package io.sparkllama4.rows;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;

/// How our error codes look as Spark error conditions.
public final class SparkErrors {
  private SparkErrors() {}

  /// The condition's name: `LLAMA4_PROMPT_TOO_LONG`.
  public static String condition(ErrorCode code) {
    return "LLAMA4_" + code.name();
  }

  /// The report as Spark shows its own errors.
  public static String message(ErrorReport report) {
    return "["
        + condition(report.code())
        + "] "
        + report.describe()
        + ". SQLSTATE: "
        + sqlState(report.code());
  }

  /// The SQLSTATE, of the classes of the SQL standard and of Spark's own list.
  public static String sqlState(ErrorCode code) {
    return switch (code) {
      case PROMPT_TOO_LONG -> "54000"; // program limit exceeded
      case EMPTY_PROMPT, INVALID_OPTION, TEMPLATE_ERROR -> "22023"; // invalid parameter value
      case INVALID_UTF8 -> "22021"; // character not in repertoire
      case TIMEOUT -> "57014"; // query cancelled
      case BUDGET_SPENT, NOT_ENOUGH_MEMORY -> "53200"; // insufficient resources
      case UNKNOWN_MODEL, UNKNOWN_OPTION -> "42704"; // undefined object
      case UNSUPPORTED_PLACE, UNSUPPORTED_FEATURE, UNSUPPORTED_ARCHITECTURE -> "0A000";
      case ENGINE_FAILED, QUARANTINED, DEVICE_ERROR, BACKEND_UNAVAILABLE -> "58000"; // system error
      case MISSING_FILE,
          INVALID_CONFIG,
          INVALID_HEADER,
          TENSOR_OUT_OF_BOUNDS,
          TENSOR_OVERLAP,
          DUPLICATE_TENSOR,
          MISSING_TENSOR,
          SHAPE_MISMATCH,
          DTYPE_MISMATCH,
          PATH_ESCAPE,
          INVALID_TOKENIZER ->
          "58030"; // input or output error
    };
  }
}

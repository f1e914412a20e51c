package io.sparkllama4.error;

/// The published error codes. Programs branch on them, so a name is never changed or reused.
public enum ErrorCode {
  // A single row; the others are answered all the same.
  PROMPT_TOO_LONG,
  EMPTY_PROMPT,
  INVALID_UTF8,
  INVALID_OPTION,
  TEMPLATE_ERROR,
  TIMEOUT,
  ENGINE_FAILED,
  QUARANTINED,
  BUDGET_SPENT,

  // The analysis of a query or a command.
  UNKNOWN_MODEL,
  UNKNOWN_OPTION,
  UNSUPPORTED_PLACE,

  // A checkpoint.
  MISSING_FILE,
  INVALID_CONFIG,
  UNSUPPORTED_ARCHITECTURE,
  UNSUPPORTED_FEATURE,
  INVALID_HEADER,
  TENSOR_OUT_OF_BOUNDS,
  TENSOR_OVERLAP,
  DUPLICATE_TENSOR,
  MISSING_TENSOR,
  SHAPE_MISMATCH,
  DTYPE_MISMATCH,
  PATH_ESCAPE,
  INVALID_TOKENIZER,

  // Memory and devices.
  NOT_ENOUGH_MEMORY,
  BACKEND_UNAVAILABLE,
  DEVICE_ERROR
}

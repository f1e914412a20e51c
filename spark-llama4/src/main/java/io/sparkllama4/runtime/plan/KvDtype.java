package io.sparkllama4.runtime.plan;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;

/// The types of cached keys and values.
public enum KvDtype {
  /// 2 bytes.
  BF16("bf16", 2),
  /// 1 byte.
  FP8("fp8", 1);

  private final String label;
  private final int bytes;

  KvDtype(String label, int bytes) {
    this.label = label;
    this.bytes = bytes;
  }

  /// The type of that name.
  ///
  /// @throws io.sparkllama4.error.Llama4Exception with INVALID_OPTION and the names
  public static KvDtype named(String name) {
    for (KvDtype dtype : values()) {
      if (dtype.label.equals(name)) {
        return dtype;
      }
    }
    throw ErrorReport.of(ErrorCode.INVALID_OPTION, "Cannot plan a KV cache of type [" + name + "]")
        .found(name, "bf16, fp8")
        .key("--kv-dtype")
        .exception();
  }

  /// The name in options and documents.
  public String label() {
    return label;
  }

  /// Bytes of an element.
  int bytes() {
    return bytes;
  }
}

package io.sparkllama4.backend.cuda;

import io.sparkllama4.backend.cuda.ffi.CudaDriver;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.error.Llama4Exception;
import java.io.Serial;

/// A call of the driver that failed.
public final class CudaException extends Llama4Exception {
  @Serial private static final long serialVersionUID = 1L;

  /// The key that makes the largest thing on a device smaller.
  private static final String MEMORY_KEY = "spark.llama4.kv.tokens";

  private final CudaError error;
  private final String call;

  private CudaException(CudaError error, String call, ErrorReport report) {
    super(report);
    this.error = error;
    this.call = call;
  }

  private CudaException(CudaException first, ErrorReport report) {
    super(report, first);
    error = first.error;
    call = first.call;
  }

  /// What `call` returned.
  ///
  /// @param driver says what the error means
  /// @param where the device, such as `device 0`; empty where no device is known yet
  /// @param arguments names and values in turn: sizes and numbers, never what a user wrote
  static CudaException of(
      CudaDriver driver, int result, String call, String where, Object... arguments) {
    CudaError error = CudaError.of(result);
    String name = driver.errorName(result).orElse(error.symbol());
    StringBuilder text = new StringBuilder(call).append('(');
    for (int i = 0; i < arguments.length; i += 2) {
      text.append(i == 0 ? "" : ", ").append(arguments[i]).append(" = ").append(arguments[i + 1]);
    }
    text.append(')').append(where.isEmpty() ? "" : " on CUDA " + where);
    text.append(" failed with ").append(name).append(" (").append(result).append(')');
    driver.errorString(result).ifPresent(words -> text.append(": ").append(words));
    if (!error.advice().isEmpty()) {
      text.append("; ").append(error.advice());
    }
    boolean memory = error == CudaError.OUT_OF_MEMORY;
    ErrorReport report =
        ErrorReport.of(
            memory ? ErrorCode.NOT_ENOUGH_MEMORY : ErrorCode.DEVICE_ERROR, text.toString());
    return new CudaException(error, call, memory ? report.key(MEMORY_KEY) : report);
  }

  /// The failure of whatever is asked of a device after `first` ended its context.
  static CudaException after(CudaException first, String where) {
    return new CudaException(
        first,
        ErrorReport.of(
            ErrorCode.DEVICE_ERROR,
            "CUDA "
                + where
                + " takes no more work in this process, because an earlier call ended its context: "
                + first.report().message()));
  }

  /// This failure with more about its circumstances.
  CudaException with(String found, String expected) {
    CudaException more = new CudaException(error, call, report().found(found, expected));
    more.setStackTrace(getStackTrace());
    return more;
  }

  /// What the driver said.
  public CudaError error() {
    return error;
  }

  /// The function of the driver that failed, or failed first.
  public String call() {
    return call;
  }

  /// Whether the device is lost to this process, so that the executor must be replaced.
  @Override
  public boolean isFatal() {
    return error.isSticky();
  }
}

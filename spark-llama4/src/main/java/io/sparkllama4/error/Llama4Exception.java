package io.sparkllama4.error;

import java.io.Serial;

/// A failure with a published code. Everything that a user can cause ends as one of these.
public class Llama4Exception extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  private final ErrorReport report;

  /// Carries `report`.
  public Llama4Exception(ErrorReport report) {
    super(message(report));
    this.report = report;
  }

  /// Carries `report` and the failure underneath.
  public Llama4Exception(ErrorReport report, Throwable cause) {
    super(message(report), cause);
    this.report = report;
  }

  /// Stack traces and logs show the code too: it is what a user looks up.
  private static String message(ErrorReport report) {
    return "[" + report.code() + "] " + report.describe();
  }

  /// What went wrong, in parts.
  public ErrorReport report() {
    return report;
  }

  /// Whether what failed is lost to this process: whatever is asked of it next fails as well.
  public boolean isFatal() {
    return false;
  }

  /// The published code.
  public ErrorCode code() {
    return report.code();
  }
}

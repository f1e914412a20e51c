package io.sparkllama4.error;

import java.io.Serial;

/// A failure with a published code. Everything that a user can cause ends as one of these.
public class Llama4Exception extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  private final ErrorReport report;

  /// Carries `report`.
  public Llama4Exception(ErrorReport report) {
    super(report.describe());
    this.report = report;
  }

  /// Carries `report` and the failure underneath.
  public Llama4Exception(ErrorReport report, Throwable cause) {
    super(report.describe(), cause);
    this.report = report;
  }

  /// What went wrong, in parts.
  public ErrorReport report() {
    return report;
  }

  /// The published code.
  public ErrorCode code() {
    return report.code();
  }
}

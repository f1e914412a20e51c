package io.sparkllama4.error;

import java.io.Serializable;

/// One failure, told in parts so that a program can read them and a person can act on them.
///
/// An empty text stands for a part that does not apply.
///
/// @param code what kind of failure it is
/// @param message a sentence that says what was tried, what was found and what helps
/// @param file the file at fault, relative to the checkpoint's directory
/// @param tensor the name of the tensor at fault
/// @param found what was there
/// @param expected what is allowed
/// @param key the option or configuration key that helps
public record ErrorReport(
    ErrorCode code,
    String message,
    String file,
    String tensor,
    String found,
    String expected,
    String key)
    implements Serializable {

  /// A report with nothing but its message.
  public static ErrorReport of(ErrorCode code, String message) {
    return new ErrorReport(code, message, "", "", "", "", "");
  }

  /// This report, about `file`.
  public ErrorReport file(String file) {
    return new ErrorReport(code, message, file, tensor, found, expected, key);
  }

  /// This report, about `tensor`.
  public ErrorReport tensor(String tensor) {
    return new ErrorReport(code, message, file, tensor, found, expected, key);
  }

  /// This report, with what was found and what is allowed.
  public ErrorReport found(Object found, Object expected) {
    return new ErrorReport(code, message, file, tensor, found.toString(), expected.toString(), key);
  }

  /// This report, with the option or key that helps.
  public ErrorReport key(String key) {
    return new ErrorReport(code, message, file, tensor, found, expected, key);
  }

  /// The exception that carries this report.
  public Llama4Exception exception() {
    return new Llama4Exception(this);
  }

  /// The exception that carries this report and what caused it.
  public Llama4Exception exception(Throwable cause) {
    return new Llama4Exception(this, cause);
  }

  /// The message with the parts that it may have left out.
  public String describe() {
    StringBuilder text = new StringBuilder(message);
    append(text, "file", file);
    append(text, "tensor", tensor);
    append(text, "found", found);
    append(text, "expected", expected);
    append(text, "key", key);
    return text.toString();
  }

  private static void append(StringBuilder text, String name, String part) {
    if (!part.isEmpty()) {
      text.append("; ").append(name).append(" [").append(part).append(']');
    }
  }
}

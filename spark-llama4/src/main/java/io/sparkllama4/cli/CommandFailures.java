package io.sparkllama4.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.error.Llama4Exception;
import java.util.Arrays;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

/// Turns whatever goes wrong into an exit status and one clear message: a document on standard
/// output where `--json` asks for it, words beside it else. A stack trace only with `--debug`.
public final class CommandFailures {
  /// The exit status of a command that failed.
  public static final int FAILED = 1;

  /// The exit status of a command that was called wrongly.
  public static final int WRONG_USAGE = 2;

  private final Console console;

  /// Failures are told on `console`.
  public CommandFailures(Console console) {
    this.console = console;
  }

  /// Makes `commands` use it.
  public void handle(CommandLine commands) {
    commands.setParameterExceptionHandler(this::wrongUsage);
    commands.setExecutionStrategy(this::run);
    commands.setExecutionExceptionHandler(
        (failure, command, parsed) -> failed(failure, parsed.originalArgs()));
  }

  private int wrongUsage(ParameterException failure, String[] args) {
    String message = String.valueOf(failure.getMessage());
    if (asksFor(args, "--json")) {
      console.document(document(ErrorReport.of(ErrorCode.INVALID_OPTION, message)));
    }
    console.note(message);
    console.note(failure.getCommandLine().getUsageMessage());
    return WRONG_USAGE;
  }

  /// The parser hands exceptions to a handler but lets errors pass; a heap that is too small must
  /// end as a document as well.
  private int run(CommandLine.ParseResult parsed) {
    try {
      return new CommandLine.RunLast().execute(parsed);
    } catch (Error e) {
      return failed(e, parsed.originalArgs());
    }
  }

  private int failed(Throwable failure, java.util.List<String> originalArgs) {
    String[] args = originalArgs.toArray(String[]::new);
    ErrorReport report = report(failure);
    if (asksFor(args, "--debug")) {
      failure.printStackTrace(console.progress());
    }
    if (asksFor(args, "--json")) {
      console.document(document(report));
    } else {
      console.note(report.code() + ": " + report.describe());
    }
    boolean wrongUsage = failure instanceof UsageException;
    return wrongUsage ? WRONG_USAGE : FAILED;
  }

  private static ErrorReport report(Throwable failure) {
    return switch (failure) {
      case Llama4Exception known -> known.report();
      case OutOfMemoryError full ->
          ErrorReport.of(
                  ErrorCode.NOT_ENOUGH_MEMORY,
                  "The Java heap is too small: " + full.getMessage() + "; give it more, as -Xmx8g")
              .found(
                  Runtime.getRuntime().maxMemory() + " bytes of heap",
                  "a larger heap, or less work")
              .key("SPARK_LLAMA4_JAVA_OPTS");
      default -> ErrorReport.of(ErrorCode.ENGINE_FAILED, "An unexpected failure: " + failure);
    };
  }

  private static boolean asksFor(String[] args, String option) {
    return Arrays.asList(args).contains(option);
  }

  /// A command was called wrongly in a way that the parser of its options does not see.
  public static final class UsageException extends Llama4Exception {
    private static final long serialVersionUID = 1L;

    /// Carries `report`.
    public UsageException(ErrorReport report) {
      super(report);
    }
  }

  /// The document of a failure.
  static ObjectNode document(ErrorReport report) {
    ObjectNode document = JsonNodeFactory.instance.objectNode();
    document.put("schema", "spark-llama4.error.v1");
    ObjectNode error = document.putObject("error");
    error.put("code", report.code().name()).put("message", report.message());
    put(error, "file", report.file());
    put(error, "tensor", report.tensor());
    put(error, "found", report.found());
    put(error, "expected", report.expected());
    put(error, "key", report.key());
    return document;
  }

  private static void put(ObjectNode error, String name, String value) {
    if (value.isEmpty()) {
      error.putNull(name);
    } else {
      error.put(name, value);
    }
  }
}

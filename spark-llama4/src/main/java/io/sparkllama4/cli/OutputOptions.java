package io.sparkllama4.cli;

import picocli.CommandLine.Option;

/// The options that say how a command prints its answer and its failures.
public final class OutputOptions {
  @Option(names = "--json", description = "Print one JSON document.")
  private boolean json;

  @Option(names = "--debug", description = "Print stack traces of failures.")
  private boolean debug;

  /// Whether one JSON document is wanted.
  public boolean json() {
    return json;
  }

  /// Whether stack traces are wanted.
  public boolean debug() {
    return debug;
  }
}

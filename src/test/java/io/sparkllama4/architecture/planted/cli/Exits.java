package io.sparkllama4.architecture.planted.cli;

/// An end that no caller can prevent.
public final class Exits {
  private Exits() {}

  /// Ends the process.
  public static void now() {
    System.exit(1);
  }
}

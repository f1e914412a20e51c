package io.sparkllama4.cli.spark;

import io.sparkllama4.cli.Console;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/// `demo`.
@Command(name = "demo")
public final class DemoCommand implements Callable<Integer> {
  /// A command that answers on `console`.
  public DemoCommand(Console console) {
    console.note("demo");
  }

  @Override
  public Integer call() {
    return 1;
  }
}

package io.sparkllama4.cli.spark;

import io.sparkllama4.cli.BenchCommand;
import io.sparkllama4.cli.CommandFailures;
import io.sparkllama4.cli.Console;
import io.sparkllama4.cli.GenerateCommand;
import io.sparkllama4.cli.GpuSelfTestCommand;
import io.sparkllama4.cli.InfoCommand;
import io.sparkllama4.cli.PlanCommand;
import io.sparkllama4.cli.ScoreCommand;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/// `spark-llama4`: the one command.
@Command(
    name = "spark-llama4",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    description = "Llama 4 mixture-of-experts batch inference inside Apache Spark.")
public final class Main implements Runnable {
  @Spec private CommandSpec spec = CommandSpec.create();

  private Main() {}

  @Override
  public void run() {
    throw new CommandLine.ParameterException(spec.commandLine(), "Say which command to run");
  }

  /// Runs the command that `args` name; the exit status is its result.
  public static void main(String[] args) {
    System.exit(execute(Console.standard(), args));
  }

  /// Runs the command that `args` name on `console`; returns the exit status.
  public static int execute(Console console, String... args) {
    CommandLine commands =
        new CommandLine(new Main())
            .addSubcommand(new DemoCommand(console))
            .addSubcommand(new GenerateCommand(console))
            .addSubcommand(new ScoreCommand(console))
            .addSubcommand(new InfoCommand(console))
            .addSubcommand(new SqlCommand(console))
            .addSubcommand(new BenchCommand(console))
            .addSubcommand(new BenchSparkCommand(console))
            .addSubcommand(new PerplexityCommand(console))
            .addSubcommand(new PlanCommand(console))
            .addSubcommand(new GpuSelfTestCommand(console));
    new CommandFailures(console).handle(commands);
    return commands.execute(args);
  }
}

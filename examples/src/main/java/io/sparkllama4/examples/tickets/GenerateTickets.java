package io.sparkllama4.examples.tickets;

import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/// Writes tickets as lines of JSON: `GenerateTickets training|held-out COUNT SEED [FILE]`.
/// Without a file they go to standard output.
public final class GenerateTickets {

  private GenerateTickets() {}

  public static void main(String[] arguments) throws IOException {
    if (arguments.length < 3 || arguments.length > 4) {
      throw new IllegalArgumentException(
          "Expected [training|held-out COUNT SEED [FILE]], found ["
              + String.join(" ", arguments)
              + "]");
    }
    TicketGenerator generator = generator(arguments[0], Long.parseLong(arguments[2]));
    int count = Integer.parseInt(arguments[1]);
    try (OutputStream bytes =
            arguments.length == 3
                ? new FileOutputStream(FileDescriptor.out)
                : Files.newOutputStream(Path.of(arguments[3]));
        PrintStream out =
            new PrintStream(new BufferedOutputStream(bytes), false, StandardCharsets.UTF_8)) {
      write(generator, count, out);
    }
  }

  private static TicketGenerator generator(String split, long seed) {
    return switch (split) {
      case "training" -> TicketGenerator.training(seed);
      case "held-out" -> TicketGenerator.heldOut(seed);
      default ->
          throw new IllegalArgumentException(
              "Expected split [training] or [held-out], found [" + split + "]");
    };
  }

  /// Line feeds on every platform, so that files are equal byte by byte.
  static void write(TicketGenerator generator, int count, PrintStream out) {
    generator.tickets().limit(count).forEach(ticket -> out.print(ticket.json() + "\n"));
    out.flush();
  }
}

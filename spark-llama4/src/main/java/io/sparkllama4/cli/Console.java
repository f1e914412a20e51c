package io.sparkllama4.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/// Where a command's answer goes, and where everything else goes: standard output is the answer
/// alone.
public final class Console {
  private static final ObjectMapper JSON =
      new ObjectMapper().disable(SerializationFeature.CLOSE_CLOSEABLE);

  private final PrintStream answer;
  private final PrintStream progress;

  /// A console over two streams.
  public Console(OutputStream answer, OutputStream progress) {
    this.answer = new PrintStream(answer, false, StandardCharsets.UTF_8);
    this.progress = new PrintStream(progress, true, StandardCharsets.UTF_8);
  }

  /// The console of this process.
  public static Console standard() {
    return new Console(
        new FileOutputStream(FileDescriptor.out), new FileOutputStream(FileDescriptor.err));
  }

  /// Prints one JSON document on a line of its own.
  public void document(JsonNode document) {
    try {
      answer.write(JSON.writeValueAsString(document).getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    answer.print('\n');
    answer.flush();
  }

  /// Prints a line of the answer.
  public void line(String text) {
    answer.print(text);
    answer.print('\n');
    answer.flush();
  }

  /// Prints a line beside the answer.
  public void note(String text) {
    progress.println(text);
  }

  /// The stream beside the answer.
  public PrintStream progress() {
    return progress;
  }
}

package io.sparkllama4.clients;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/// A process that a user would start, with what it prints. Closing ends it and all that it started.
public final class UserProcess implements AutoCloseable {
  /// More than any of them takes on a slow and busy machine.
  private static final Duration LONGEST = Duration.ofMinutes(8);

  private static final Duration PAUSE = Duration.ofMillis(200);

  private final Process process;
  private final Path output;
  private final Path errors;

  private UserProcess(Process process, Path output, Path errors) {
    this.process = process;
    this.output = output;
    this.errors = errors;
  }

  /// Starts `command` in the directory `folder`, which receives what it prints.
  ///
  /// @param environment added to that of this process; an empty value takes a variable away
  static UserProcess start(Path folder, Map<String, String> environment, List<String> command) {
    try {
      Files.createDirectories(folder);
      Path output = folder.resolve("output.txt");
      Path errors = folder.resolve("errors.txt");
      ProcessBuilder builder =
          new ProcessBuilder(command)
              .directory(folder.toFile())
              .redirectOutput(output.toFile())
              .redirectError(errors.toFile());
      environment.forEach(
          (name, value) -> {
            if (value.isEmpty()) {
              builder.environment().remove(name);
            } else {
              builder.environment().put(name, value);
            }
          });
      return new UserProcess(builder.start(), output, errors);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Runs `command` to its end, which must be the status `expected`.
  public static UserProcess run(
      Path folder, Map<String, String> environment, int expected, List<String> command)
      throws InterruptedException {
    try (UserProcess process = start(folder, environment, command)) {
      assertThat(process.process.waitFor(LONGEST.toMillis(), TimeUnit.MILLISECONDS))
          .as("%s has ended; it printed\n%s", command, process.errors())
          .isTrue();
      assertThat(process.process.exitValue())
          .as("status of %s; it printed\n%s\n%s", command, process.output(), process.errors())
          .isEqualTo(expected);
      return process;
    }
  }

  /// Waits until somebody answers at a port of this machine.
  void awaitPort(int port) throws InterruptedException {
    long end = System.nanoTime() + LONGEST.toNanos();
    while (!answers(port)) {
      assertThat(process.isAlive()).as("it has ended and printed\n%s", errors()).isTrue();
      assertThat(System.nanoTime()).as("port %s in time\n%s", port, errors()).isLessThan(end);
      Thread.sleep(PAUSE);
    }
  }

  private static boolean answers(int port) {
    try (Socket socket = new Socket()) {
      socket.connect(
          new InetSocketAddress(InetAddress.getLoopbackAddress(), port), (int) PAUSE.toMillis());
      return true;
    } catch (IOException e) {
      return false; // Nobody there yet.
    }
  }

  /// A port that nobody uses.
  static int freePort() {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// What it has printed to standard output.
  public String output() {
    return read(output);
  }

  /// What it has printed to standard error.
  public String errors() {
    return read(errors);
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    List<ProcessHandle> started = process.descendants().toList();
    process.destroyForcibly();
    started.forEach(ProcessHandle::destroyForcibly);
    process.onExit().join();
  }
}

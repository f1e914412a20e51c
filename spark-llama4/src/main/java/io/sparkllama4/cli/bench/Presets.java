package io.sparkllama4.cli.bench;

import io.sparkllama4.backend.Backend;
import io.sparkllama4.backend.BackendOptions;
import io.sparkllama4.backend.Backends;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;

/// Checkpoints of random weights, made once and kept for the next run.
public final class Presets {
  /// Changes with what is written, so that an older checkpoint is not taken for this one.
  private static final int FORMAT = 1;

  /// What a machine needs besides the weights: cache, scratch memory, the JVM.
  private static final long BESIDES = 1L << 30;

  /// Bytes of a weight in memory, in the forms that are made at load.
  private static final Map<String, Double> BYTES_PER_WEIGHT = Map.of("int8", 1.02, "int4", 0.63);

  private Presets() {}

  /// Where they are kept unless the user says otherwise: the user's cache directory, or that of
  /// temporary files where there is none to write to.
  public static Path defaultDirectory() {
    String cache = System.getenv("XDG_CACHE_HOME");
    Path home = Path.of(System.getProperty("user.home"));
    Path base = cache == null || cache.isEmpty() ? home.resolve(".cache") : Path.of(cache);
    Path existing = base;
    while (existing != null && !Files.exists(existing)) {
      existing = existing.getParent();
    }
    boolean isWritable = existing != null && Files.isWritable(existing);
    return (isWritable ? base : Path.of(System.getProperty("java.io.tmpdir")))
        .resolve("spark-llama4")
        .resolve("presets");
  }

  /// Whether the checkpoint of `shape` lies under `directory` already.
  public static boolean isMade(ModelShape shape, Path directory) {
    return Files.isDirectory(place(shape, directory));
  }

  /// Bytes of the weights of a checkpoint of `shape`.
  public static long bytes(ModelShape shape) {
    return MadeCheckpoint.bytes(shape);
  }

  private static Path place(ModelShape shape, Path directory) {
    return directory.resolve(shape.name() + "-" + FORMAT);
  }

  /// The checkpoint of `shape` under `directory`, made if it is not there yet.
  ///
  /// @param weights the form that the weights will have in memory
  /// @param progress told what takes long
  /// @throws io.sparkllama4.error.Llama4Exception with NOT_ENOUGH_MEMORY where the disk or the
  ///     memory is too small for it
  public static Path checkpoint(
      ModelShape shape, Path directory, String weights, Consumer<String> progress) {
    requireMemory(shape, weights);
    Path wanted = place(shape, directory);
    if (Files.isDirectory(wanted)) {
      return wanted;
    }
    try {
      Files.createDirectories(directory);
      requireDisk(shape, directory);
      progress.accept("Making a checkpoint of shape " + shape.name() + " in " + wanted);
      Path unfinished = Files.createTempDirectory(directory, shape.name() + "-unfinished-");
      try {
        MadeCheckpoint.write(shape, unfinished);
        publish(unfinished, wanted);
      } finally {
        delete(unfinished);
      }
      return wanted;
    } catch (IOException e) {
      throw ErrorReport.of(
              ErrorCode.MISSING_FILE, "Cannot make a checkpoint in " + directory + ": " + e)
          .file(directory.toString())
          .key("--preset-dir")
          .exception(e);
    }
  }

  /// Gives the finished directory its name; another process may have been faster.
  private static void publish(Path finished, Path wanted) throws IOException {
    try {
      Files.move(finished, wanted, StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException e) {
      throw e;
    } catch (IOException e) {
      if (!Files.isDirectory(wanted)) {
        throw e;
      }
    }
  }

  private static void delete(Path directory) throws IOException {
    if (!Files.exists(directory)) {
      return;
    }
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  private static void requireDisk(ModelShape shape, Path directory) throws IOException {
    long needed = MadeCheckpoint.bytes(shape) + (1L << 20);
    long free = Files.getFileStore(directory).getUsableSpace();
    if (free < needed) {
      throw tooLarge(shape, "on the disk of " + directory, needed, free)
          .key("--preset-dir")
          .exception();
    }
  }

  private static void requireMemory(ModelShape shape, String weights) {
    double form = BYTES_PER_WEIGHT.getOrDefault(weights, 2.0);
    long needed = (long) (MadeCheckpoint.bytes(shape) / 2.0 * form) + BESIDES;
    try (Backend backend = Backends.open("cpu", new BackendOptions("auto", 1, true))) {
      if (backend.freeBytes() < needed) {
        throw tooLarge(shape, "in memory", needed, backend.freeBytes()).key("--preset").exception();
      }
    }
  }

  private static ErrorReport tooLarge(ModelShape shape, String where, long needed, long free) {
    return ErrorReport.of(
            ErrorCode.NOT_ENOUGH_MEMORY,
            String.format(
                Locale.ROOT,
                "A checkpoint of shape [%s] needs [%.1f] GB %s",
                shape.name(),
                needed / 1e9,
                where))
        .found(
            String.format(Locale.ROOT, "%.1f GB free", free / 1e9),
            String.format(Locale.ROOT, "%.1f GB", needed / 1e9));
  }
}

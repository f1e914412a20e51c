package io.sparkllama4.cli.bench;

import io.sparkllama4.model.DecoderWeights;
import io.sparkllama4.runtime.ModelHandle;
import io.sparkllama4.runtime.RuntimeOptions;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/// How long a model takes until it is open and every page of its weights has been read.
///
/// @param bytes of weights in memory
/// @param storedBytes of the checkpoint's weights, which are read
/// @param coldSeconds with nothing of the checkpoint in the system's memory; empty where the system
///     cannot be made to forget it
/// @param warmSeconds right behind
/// @param cachedSeconds from the cache of packed weights that the options name; empty where they
///     name none
public record Loading(
    long bytes,
    long storedBytes,
    Optional<Double> coldSeconds,
    double warmSeconds,
    Optional<Double> cachedSeconds) {
  private static final long PAGE_BYTES = 4096;

  /// Opens the model three times, and from the cache if there is one. The first time does not
  /// count: it also waits for compilers and, where a host lends memory to virtual machines, for
  /// memory that this one has not had yet.
  public static Loading measure(Path directory, RuntimeOptions options) {
    RuntimeOptions packing = options.withWeightsCache(Optional.empty());
    open(directory, packing);
    Timed cold = isForgotten(directory) ? open(directory, packing) : Timed.NOT;
    Timed warm = open(directory, packing);
    Optional<Double> cached = Optional.empty();
    if (options.weightsCache().isPresent()) {
      // Writes the file where it is not there yet.
      ModelHandle.open(directory, options).close();
      cached = Optional.of(open(directory, options).seconds);
    }
    return new Loading(
        warm.bytes,
        warm.storedBytes,
        cold.equals(Timed.NOT) ? Optional.empty() : Optional.of(cold.seconds),
        warm.seconds,
        cached);
  }

  private record Timed(double seconds, long bytes, long storedBytes) {
    static final Timed NOT = new Timed(0, 0, 0);
  }

  private static boolean isForgotten(Path directory) {
    try (Stream<Path> files = Files.list(directory)) {
      return files.filter(Files::isRegularFile).allMatch(Machine::dropFromMemory);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Timed open(Path directory, RuntimeOptions options) {
    long start = System.nanoTime();
    try (ModelHandle handle = ModelHandle.open(directory, options)) {
      long bytes = touch(handle.weights());
      double seconds = (System.nanoTime() - start) * 1e-9;
      return new Timed(seconds, bytes, handle.checkpoint().summary().bytes());
    }
  }

  /// Reads a byte of every page; returns how many bytes lie there.
  private static long touch(List<DecoderWeights> ranks) {
    // What ranks share, such as the table of embeddings, counts once.
    Set<MemorySegment> segments = new HashSet<>();
    ranks.forEach(weights -> segments.addAll(weights.segments()));
    long bytes = 0;
    int sum = 0;
    for (MemorySegment segment : segments) {
      bytes += segment.byteSize();
      for (long at = 0; at < segment.byteSize(); at += PAGE_BYTES) {
        sum += segment.get(ValueLayout.JAVA_BYTE, at);
      }
    }
    // The sum is used, so that no compiler leaves the reading out.
    return sum == Integer.MIN_VALUE ? bytes + 1 : bytes;
  }

  /// Gigabytes of the stored weights per second, of a time in seconds.
  public double storedPerSecond(double seconds) {
    return storedBytes / seconds / 1e9;
  }
}

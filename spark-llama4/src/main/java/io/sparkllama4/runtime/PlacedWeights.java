package io.sparkllama4.runtime;

import io.sparkllama4.backend.Backend;
import io.sparkllama4.backend.WeightForm;
import io.sparkllama4.engine.Engine;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.model.Decoder;
import io.sparkllama4.model.DecoderWeights;
import io.sparkllama4.model.RankShare;
import io.sparkllama4.tensor.Allocator;
import io.sparkllama4.tensor.TensorSpec;
import io.sparkllama4.weights.Checkpoint;
import io.sparkllama4.weights.PackedCache;
import io.sparkllama4.weights.RecordingAllocator;
import io.sparkllama4.weights.Warning;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// The weights of a checkpoint where the ranks of a backend read them, and the memory that holds
/// them.
///
/// @param shares what each rank has of them
/// @param weights by rank, as the kernels read them
/// @param memories by rank, what was made; closing this ends the weights
/// @param warnings what kept the cache of packed weights from being used
record PlacedWeights(
    List<RankShare> shares,
    List<DecoderWeights> weights,
    List<Allocator> memories,
    List<Warning> warnings)
    implements AutoCloseable {
  /// Copies the lists.
  PlacedWeights {
    shares = List.copyOf(shares);
    weights = List.copyOf(weights);
    memories = List.copyOf(memories);
    warnings = List.copyOf(warnings);
  }

  /// Maps the weights from the cache that the options name, or packs them, and writes the cache.
  ///
  /// @param reservedBytes memory that others have planned and not taken yet
  /// @throws io.sparkllama4.error.Llama4Exception with NOT_ENOUGH_MEMORY before anything is packed
  static PlacedWeights of(
      Checkpoint checkpoint,
      List<RankShare> shares,
      Backend backend,
      RuntimeOptions options,
      long reservedBytes) {
    requireUseOfCache(backend, options);
    requireMemory(checkpoint, shares, backend, options, reservedBytes);
    List<Backend> backends = backend.ranks();
    List<DecoderWeights> weights = new ArrayList<>();
    List<Allocator> memories = new ArrayList<>();
    List<Warning> warnings = new ArrayList<>();
    try (Closing closing = new Closing()) {
      for (RankShare share : shares) {
        Rank rank =
            new Rank(checkpoint, share, backends.get(share.rank()), options.form(), warnings);
        Placed placed = rank.place(options);
        memories.add(closing.onFailure(placed.memory()));
        weights.add(placed.weights());
      }
      return closing.keep(new PlacedWeights(shares, weights, memories, warnings));
    }
  }

  private static void requireUseOfCache(Backend backend, RuntimeOptions options) {
    if (options.weightsCache().isPresent() && !backend.readsHostMemory()) {
      throw ErrorReport.of(
              ErrorCode.UNSUPPORTED_FEATURE,
              "Backend [" + backend.name() + "] keeps no packed weights in files")
          .found(options.weightsCache().get(), "no directory, or --backend cpu")
          .key("--weights-cache")
          .exception();
    }
  }

  /// What one rank holds, and the memory that holds it.
  private record Placed(DecoderWeights weights, Allocator memory) {}

  /// One rank, on the way to its weights.
  private record Rank(
      Checkpoint checkpoint,
      RankShare share,
      Backend backend,
      WeightForm form,
      List<Warning> warnings) {

    Placed place(RuntimeOptions options) {
      return options
          .weightsCache()
          .flatMap(this::cache)
          .map(this::throughCache)
          .orElseGet(() -> into(backend.allocator()));
    }

    private Optional<PackedCache> cache(Path directory) {
      List<TensorSpec> plan = checkpoint.weights().plan(share, backend, form);
      // Ranks have files of their own, so that each maps what it reads and no more.
      String part = share.ranks() == 1 ? "" : "-rank" + share.rank() + "of" + share.ranks();
      return backend
          .layout(form)
          .map(
              layout ->
                  new PackedCache.Key(
                      checkpoint.digest(), layout + part, form.name().toLowerCase(Locale.ROOT)))
          .map(key -> new PackedCache(directory, key, plan, backend.threads()));
    }

    private Placed throughCache(PackedCache cache) {
      Optional<Allocator> mapped = cache.open(warnings::add);
      if (mapped.isEmpty()) {
        RecordingAllocator made = new RecordingAllocator(backend.allocator());
        Placed packed = into(made);
        if (!cache.write(made.tensors(), warnings::add)) {
          return packed;
        }
        // From here on as every later start: what was packed is given back first, so that the
        // weights are not in memory twice, and who started meanwhile shares them.
        made.close();
        mapped = cache.open(warnings::add);
      }
      return into(mapped.orElseGet(backend::allocator));
    }

    private Placed into(Allocator memory) {
      try (Closing closing = new Closing()) {
        closing.onFailure(memory);
        return closing.keep(
            new Placed(checkpoint.weights().placed(share, backend, form, memory), memory));
      }
    }
  }

  private static long bytes(
      Checkpoint checkpoint, List<RankShare> shares, Backend backend, WeightForm form) {
    long packed = 0;
    for (RankShare share : shares) {
      Backend rank = backend.ranks().get(share.rank());
      packed +=
          checkpoint.weights().plan(share, rank, form).stream().mapToLong(TensorSpec::bytes).sum();
    }
    return packed + checkpoint.weights().embedding().data().byteSize();
  }

  private static void requireMemory(
      Checkpoint checkpoint,
      List<RankShare> shares,
      Backend backend,
      RuntimeOptions options,
      long reservedBytes) {
    WeightForm form = options.form();
    long needed = bytes(checkpoint, shares, backend, form);
    long free = backend.freeBytes() - reservedBytes;
    if (needed > free) {
      throw ErrorReport.of(
              ErrorCode.NOT_ENOUGH_MEMORY,
              String.format(
                  Locale.ROOT,
                  "Cannot hold the weights as [%s]: they take [%d] bytes, beside [%d] bytes that"
                      + " other models have planned; --weights int8 takes [%d] bytes, --weights int4"
                      + " [%d]",
                  form.label(),
                  needed,
                  reservedBytes,
                  bytes(checkpoint, shares, backend, WeightForm.INT8),
                  bytes(checkpoint, shares, backend, WeightForm.INT4)))
          .found(
              needed + " bytes needed", "at most " + Math.max(0, free) + " bytes, which are free")
          .key("--weights")
          .exception();
    }
    Engine.requireRoom(shares, backend, options.engine(), reservedBytes + needed);
  }

  /// The parts of the decoder, by rank.
  List<Decoder> decoders(Backend backend) {
    List<Decoder> decoders = new ArrayList<>();
    for (RankShare share : shares) {
      int rank = share.rank();
      decoders.add(new Decoder(share, weights.get(rank), backend.ranks().get(rank).kernels()));
    }
    return decoders;
  }

  /// Bytes of weights that lie in mapped files, which the machine counts as free.
  long mappedBytes() {
    return DecoderWeights.mappedBytes(weights);
  }

  @Override
  public void close() {
    memories.forEach(Allocator::close);
  }
}

package io.sparkllama4.runtime;

import io.sparkllama4.backend.Backend;
import io.sparkllama4.backend.WeightForm;
import io.sparkllama4.engine.Engine;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.model.DecoderWeights;
import io.sparkllama4.tensor.Allocator;
import io.sparkllama4.tensor.TensorSpec;
import io.sparkllama4.weights.Checkpoint;
import io.sparkllama4.weights.PackedCache;
import io.sparkllama4.weights.RecordingAllocator;
import io.sparkllama4.weights.Warning;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// The weights of a checkpoint where a backend reads them, and the memory that holds them.
///
/// @param weights as the kernels read them
/// @param memory owns what was made; closing it ends the weights
/// @param warnings what kept the cache of packed weights from being used
record PlacedWeights(DecoderWeights weights, Allocator memory, List<Warning> warnings) {
  /// Copies the list.
  PlacedWeights {
    warnings = List.copyOf(warnings);
  }

  /// Maps the weights from the cache that the options name, or packs them, and writes the cache.
  ///
  /// @param reservedBytes memory that others have planned and not taken yet
  /// @throws io.sparkllama4.error.Llama4Exception with NOT_ENOUGH_MEMORY before anything is packed
  static PlacedWeights of(
      Checkpoint checkpoint, Backend backend, RuntimeOptions options, long reservedBytes) {
    WeightForm form = options.form();
    List<TensorSpec> plan = checkpoint.weights().plan(backend, form);
    requireMemory(checkpoint, backend, options, reservedBytes);
    Optional<PackedCache> cache =
        options
            .weightsCache()
            .flatMap(
                directory ->
                    backend
                        .layout(form)
                        .map(
                            layout ->
                                new PackedCache.Key(
                                    checkpoint.digest(),
                                    layout,
                                    form.name().toLowerCase(Locale.ROOT)))
                        .map(key -> new PackedCache(directory, key, plan, backend.threads())));
    return cache
        .map(packed -> throughCache(packed, checkpoint.weights(), backend, form))
        .orElseGet(
            () -> place(checkpoint.weights(), backend, form, backend.allocator(), List.of()));
  }

  private static PlacedWeights throughCache(
      PackedCache cache, DecoderWeights stored, Backend backend, WeightForm form) {
    List<Warning> warnings = new ArrayList<>();
    Optional<Allocator> mapped = cache.open(warnings::add);
    if (mapped.isEmpty()) {
      RecordingAllocator made = new RecordingAllocator(backend.allocator());
      PlacedWeights packed = place(stored, backend, form, made, warnings);
      if (!cache.write(made.tensors(), warnings::add)) {
        return new PlacedWeights(packed.weights(), made, warnings);
      }
      // From here on as every later start: what was packed is given back first, so that the weights
      // are not in memory twice, and who started meanwhile shares them.
      made.close();
      mapped = cache.open(warnings::add);
    }
    Allocator memory = mapped.orElseGet(backend::allocator);
    return place(stored, backend, form, memory, warnings);
  }

  private static PlacedWeights place(
      DecoderWeights stored,
      Backend backend,
      WeightForm form,
      Allocator memory,
      List<Warning> warnings) {
    try (Closing closing = new Closing()) {
      closing.onFailure(memory);
      return closing.keep(
          new PlacedWeights(stored.placed(backend, form, memory), memory, warnings));
    }
  }

  private static long bytes(Checkpoint checkpoint, Backend backend, WeightForm form) {
    long packed =
        checkpoint.weights().plan(backend, form).stream().mapToLong(TensorSpec::bytes).sum();
    return packed + checkpoint.weights().embedding().data().byteSize();
  }

  private static void requireMemory(
      Checkpoint checkpoint, Backend backend, RuntimeOptions options, long reservedBytes) {
    WeightForm form = options.form();
    long needed = bytes(checkpoint, backend, form);
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
                  bytes(checkpoint, backend, WeightForm.INT8),
                  bytes(checkpoint, backend, WeightForm.INT4)))
          .found(
              needed + " bytes needed", "at most " + Math.max(0, free) + " bytes, which are free")
          .key("--weights")
          .exception();
    }
    Engine.requireRoom(checkpoint.spec(), backend, options.engine(), reservedBytes + needed);
  }

  /// Bytes of weights that lie in mapped files, which the machine counts as free.
  long mappedBytes() {
    return weights.mappedBytes();
  }
}

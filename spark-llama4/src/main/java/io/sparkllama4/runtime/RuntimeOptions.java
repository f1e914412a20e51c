package io.sparkllama4.runtime;

import io.sparkllama4.backend.WeightForm;
import io.sparkllama4.engine.EngineOptions;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// How a model is run: where, with which kernels, in which form, in which batches.
///
/// @param backend `auto` or a backend's name
/// @param kernels `auto` or a kernel path of the backend
/// @param threads compute threads, at least 1
/// @param weights `stored`, or the form that weights take in memory
/// @param int4Group inputs that share a scale where weights become `int4`: 32 or 128
/// @param weightsCache directory that keeps weights as the backend reads them, for the next start
/// @param ranks devices, or parts of the processor, that share the model
/// @param devices addresses of the devices that may be used; none for all
/// @param kvDtype of keys and values: `auto`, or a type that the backend keeps them in
/// @param strict whether sums must not depend on what shares the step
/// @param engine how rows are batched
public record RuntimeOptions(
    String backend,
    String kernels,
    int threads,
    String weights,
    int int4Group,
    Optional<Path> weightsCache,
    int ranks,
    List<String> devices,
    String kvDtype,
    boolean strict,
    EngineOptions engine) {
  /// Copies the list.
  public RuntimeOptions {
    devices = List.copyOf(devices);
  }

  /// Everything as the machine and the checkpoint suggest.
  public static RuntimeOptions defaults() {
    return new RuntimeOptions(
        "auto",
        "auto",
        Runtime.getRuntime().availableProcessors(),
        "stored",
        WeightForm.INT4.group(),
        Optional.empty(),
        1,
        List.of(),
        "auto",
        true,
        EngineOptions.DEFAULT);
  }

  /// The form that weights take.
  WeightForm form() {
    return WeightForm.of(weights, int4Group);
  }

  /// The same, but nothing that one row has computed is used for another, and no token is guessed.
  public RuntimeOptions withoutShortcuts() {
    return with(weights, engine.withoutShortcuts());
  }

  /// The same, but no token is guessed.
  public RuntimeOptions withoutSpeculation() {
    return with(weights, engine.withoutSpeculation());
  }

  /// The same with another form of the weights.
  public RuntimeOptions withWeights(String form) {
    return with(form, engine);
  }

  /// The same with another place for packed weights, or none.
  public RuntimeOptions withWeightsCache(Optional<Path> directory) {
    return with(weights, directory, devices, engine);
  }

  /// The same on some devices alone.
  ///
  /// @param addresses as Spark's resources give them
  public RuntimeOptions withDevices(List<String> addresses) {
    return with(weights, weightsCache, addresses, engine);
  }

  /// The same with at most `sequences` sequences in a step.
  public RuntimeOptions withMaxBatch(int sequences) {
    return with(weights, engine.withMaxBatch(sequences));
  }

  private RuntimeOptions with(String form, EngineOptions batching) {
    return with(form, weightsCache, devices, batching);
  }

  private RuntimeOptions with(
      String form, Optional<Path> cache, List<String> addresses, EngineOptions batching) {
    return new RuntimeOptions(
        backend, kernels, threads, form, int4Group, cache, ranks, addresses, kvDtype, strict,
        batching);
  }

  /// Refuses a number of threads that nothing can run on.
  void requireThreads() {
    if (threads < 1) {
      throw ErrorReport.of(ErrorCode.INVALID_OPTION, "Option --threads cannot be [" + threads + "]")
          .found(threads, "at least 1")
          .key("--threads")
          .exception();
    }
  }
}

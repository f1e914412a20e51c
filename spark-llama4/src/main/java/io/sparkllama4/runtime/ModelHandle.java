package io.sparkllama4.runtime;

import io.sparkllama4.backend.Backend;
import io.sparkllama4.backend.BackendOptions;
import io.sparkllama4.backend.Backends;
import io.sparkllama4.backend.WeightForm;
import io.sparkllama4.engine.Engine;
import io.sparkllama4.engine.EngineHooks;
import io.sparkllama4.engine.OutputText;
import io.sparkllama4.model.DecoderWeights;
import io.sparkllama4.model.RankShare;
import io.sparkllama4.text.ChatEncoder;
import io.sparkllama4.text.ChatTemplate;
import io.sparkllama4.text.TokenDecoder;
import io.sparkllama4.text.Tokenizer;
import io.sparkllama4.weights.Checkpoint;
import io.sparkllama4.weights.Warning;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// One model, ready to answer: checkpoint, tokenizer, template, backend and engine, opened and
/// closed together.
public final class ModelHandle implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ModelHandle.class);
  private static final AtomicInteger LOADS = new AtomicInteger();

  private final Checkpoint checkpoint;
  private final Tokenizer tokenizer;
  private final PromptEncoder encoder;
  private final Backend backend;
  private final PlacedWeights weights;
  private final Engine engine;
  private final RuntimeOptions options;

  private ModelHandle(
      Checkpoint checkpoint,
      Tokenizer tokenizer,
      Backend backend,
      PlacedWeights weights,
      RuntimeOptions options,
      long reservedBytes,
      EngineHooks hooks) {
    this.checkpoint = checkpoint;
    this.weights = weights;
    this.tokenizer = tokenizer;
    this.backend = backend;
    this.options = options;
    this.encoder =
        new PromptEncoder(
            tokenizer,
            ChatTemplate.open(checkpoint.directory())
                .map(template -> new ChatEncoder(tokenizer, template)));
    this.engine = engine(options, reservedBytes, hooks);
  }

  private Engine engine(RuntimeOptions how, long reservedBytes, EngineHooks hooks) {
    return new Engine(
        weights.decoders(backend),
        backend,
        how.engine(),
        Set.copyOf(checkpoint.stopIds()),
        () -> new DecodedText(tokenizer.decoder()),
        weights.mappedBytes() + reservedBytes,
        hooks);
  }

  /// The tokenizer's decoder as the engine knows it.
  private record DecodedText(TokenDecoder decoder) implements OutputText {
    @Override
    public String append(int id) {
      return decoder.append(id);
    }

    @Override
    public String finish() {
      return decoder.finish();
    }
  }

  /// Opens the model in `directory`.
  ///
  /// @throws io.sparkllama4.error.Llama4Exception where the directory, an option or the machine
  ///     does not allow it; nothing stays open then
  public static ModelHandle open(Path directory, RuntimeOptions options) {
    return open(directory, options, 0);
  }

  /// As above, with somebody who looks on.
  public static ModelHandle open(Path directory, RuntimeOptions options, EngineHooks hooks) {
    return open(directory, options, 0, hooks);
  }

  /// As above, beside other models.
  ///
  /// @param reservedBytes memory that they have planned and not taken yet
  static ModelHandle open(Path directory, RuntimeOptions options, long reservedBytes) {
    return open(directory, options, reservedBytes, EngineHooks.NONE);
  }

  private static ModelHandle open(
      Path directory, RuntimeOptions options, long reservedBytes, EngineHooks hooks) {
    try (Closing closing = new Closing()) {
      Checkpoint checkpoint = closing.onFailure(Checkpoint.open(directory));
      Tokenizer tokenizer =
          closing.onFailure(Tokenizer.open(directory, checkpoint.spec().vocabulary()));
      options.requireThreads();
      List<RankShare> shares = RankShare.of(checkpoint.spec(), options.ranks());
      Backend backend =
          closing.onFailure(Backends.open(options.backend(), backendOptions(options)));
      if (options.backend().equals("auto") && backend.name().equals("cpu")) {
        LOG.info("No GPU computes: {}", Backends.availability("cuda").reasons());
      } else if (backend.name().equals("cuda")) {
        LOG.info("Computes on {}", backend.kernelDetail());
      }
      PlacedWeights weights = PlacedWeights.of(checkpoint, shares, backend, options, reservedBytes);
      closing.onFailure(weights);
      weights.warnings().forEach(warning -> LOG.warn("{}", warning.message()));
      ModelHandle handle =
          new ModelHandle(checkpoint, tokenizer, backend, weights, options, reservedBytes, hooks);
      LOADS.incrementAndGet();
      return closing.keep(handle);
    }
  }

  /// Checks that the model in `directory` can be opened, without an engine; closes it again.
  ///
  /// @throws io.sparkllama4.error.Llama4Exception as [#open]
  public static void validate(Path directory, RuntimeOptions options) {
    try (Closing closing = new Closing()) {
      Checkpoint checkpoint = closing.onFailure(Checkpoint.open(directory));
      closing.onFailure(Tokenizer.open(directory, checkpoint.spec().vocabulary()));
      ChatTemplate.open(directory);
      options.requireThreads();
      RankShare.of(checkpoint.spec(), options.ranks());
      Backends.check(options.backend(), backendOptions(options));
    }
  }

  private static BackendOptions backendOptions(RuntimeOptions options) {
    return new BackendOptions(
        options.kernels(),
        options.threads(),
        options.strict(),
        options.ranks(),
        options.devices(),
        options.kvDtype());
  }

  /// How often a model has been loaded in this process.
  public static int loads() {
    return LOADS.get();
  }

  /// The form of the weights in memory: `bf16`, `f32`, `fp8`, `w4a16`, `int8`, `int4`.
  public String weightsLabel() {
    Checkpoint.WeightSummary summary = checkpoint.summary();
    String stored =
        summary.quantization().equals("none") ? summary.dtype() : summary.quantization();
    return options.form() == WeightForm.STORED ? stored : options.form().label();
  }

  /// The checkpoint.
  public Checkpoint checkpoint() {
    return checkpoint;
  }

  /// What turns prompts into ids.
  public PromptEncoder encoder() {
    return encoder;
  }

  /// The ids of a prompt, cut where the options say so.
  ///
  /// A cut prompt leaves room for the answer: for all of it, but no more than half of what the
  /// model takes.
  ///
  /// @param answer most tokens of the answer
  /// @throws io.sparkllama4.error.Llama4Exception with a row's code
  public int[] encode(Prompt prompt, GenerationOptions options, int answer) {
    int room = Math.min(answer, engine.maxPositions() / 2);
    return encoder.encode(
        prompt, options.isRaw(), options.onLongPrompt(), engine.maxPositions() - room);
  }

  /// The tokenizer, which lives as long as this model.
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  /// Memory that this model needs and that the machine still counts as free: weights that are
  /// mapped, and what its engine has planned and not taken yet.
  long outstandingBytes() {
    return weights.mappedBytes() + engine.outstandingBytes();
  }

  /// A further engine over the same weights, which knows nothing of what the first has computed.
  /// The kernels serve one engine at a time: the other must have nothing to do. The caller closes
  /// it, before this model.
  ///
  /// @param batching whose batches and reuse of prefixes it takes; the rest is as the model was
  ///     opened
  public Engine openEngine(RuntimeOptions batching) {
    return engine(batching, engine.outstandingBytes(), EngineHooks.NONE);
  }

  /// The engine.
  public Engine engine() {
    return engine;
  }

  /// The weights as the kernels of every rank read them.
  public List<DecoderWeights> weights() {
    return weights.weights();
  }

  /// Bytes of weights that lie in mapped files.
  public long mappedBytes() {
    return weights.mappedBytes();
  }

  /// What kept the cache of packed weights from being used; empty where all went well or none is
  /// named.
  public List<Warning> warnings() {
    return weights.warnings();
  }

  /// The backend.
  public Backend backend() {
    return backend;
  }

  /// How it was opened.
  public RuntimeOptions options() {
    return options;
  }

  @Override
  public void close() {
    Closing.of(checkpoint, tokenizer, backend, weights, engine).close();
  }
}

package io.sparkllama4.engine;

import io.sparkllama4.backend.Backend;
import io.sparkllama4.backend.StepBuffers;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.model.Decoder;
import io.sparkllama4.model.DecoderSpec;
import io.sparkllama4.model.KvGroup;
import io.sparkllama4.model.RankShare;
import io.sparkllama4.tensor.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/// Answers rows of any number of callers with one model. Thread-safe; has one thread of its own.
///
/// The answer to a row depends on the row, its options and its seed alone.
public final class Engine implements AutoCloseable {
  private final DecoderSpec spec;
  private final long plannedBytes;
  private final StepRunner runner;
  private final EngineLoop loop;
  private final Thread thread;

  /// An engine that is ready.
  ///
  /// @param decoders by rank of the backend
  /// @param stopIds tokens that end an output
  /// @param texts makes the text of an output
  /// @param reservedBytes what free memory must still hold besides: the weights, and what other
  ///     engines have planned and not taken yet
  /// @param hooks who looks on
  /// @throws io.sparkllama4.error.Llama4Exception with NOT_ENOUGH_MEMORY and the key that helps
  public Engine(
      List<Decoder> decoders,
      Backend backend,
      EngineOptions options,
      Set<Integer> stopIds,
      Supplier<OutputText> texts,
      long reservedBytes,
      EngineHooks hooks) {
    List<RankShare> shares = decoders.stream().map(Decoder::share).toList();
    this.spec = shares.getFirst().whole();
    int kvTokens = kvTokens(shares, backend, options, reservedBytes);
    this.plannedBytes = kvTokens * bytesPerToken(shares, backend) + scratchBytes(shares, options);
    KvBlocks blocks =
        new KvBlocks(spec, kvTokens, chunkedTokens(spec, options, kvTokens), options.prefixCache());
    this.runner = new StepRunner(decoders, backend, blocks, hooks.probe());
    Sampler sampler = new Sampler(spec.maxPositions(), Set.copyOf(stopIds), texts);
    Speculation speculation = new Speculation(options.speculation(), spec.maxPositions());
    this.loop = new EngineLoop(options, blocks, speculation, runner, sampler, hooks.listener());
    this.thread = Thread.ofPlatform().daemon().name("llama4-engine").start(loop);
  }

  /// Chunked layers hold no more of a sequence than its open chunk and what a step adds.
  private static int chunkedTokens(DecoderSpec spec, EngineOptions options, int kvTokens) {
    if (options.prefillChunk() == 0 || spec.layersOf(KvGroup.GLOBAL).isEmpty()) {
      return kvTokens;
    }
    long open = (long) options.maxBatch() * ((long) spec.chunk() + options.prefillChunk() + 16);
    // A row that is scored with several continuations keeps the chunk before them open as well.
    return (int) Math.min(kvTokens, open + spec.chunk());
  }

  /// Checks that a cache as asked for, or else a smallest one, fits beside `reservedBytes`, before
  /// anybody takes these.
  ///
  /// @throws io.sparkllama4.error.Llama4Exception with NOT_ENOUGH_MEMORY and the key that helps
  public static void requireRoom(
      List<RankShare> shares, Backend backend, EngineOptions options, long reservedBytes) {
    int ignored = kvTokens(shares, backend, options, reservedBytes);
  }

  /// The size of the cache: as asked for if it fits, else what free memory allows.
  private static int kvTokens(
      List<RankShare> shares, Backend backend, EngineOptions options, long reservedBytes) {
    long bytesPerToken = bytesPerToken(shares, backend);
    long others = scratchBytes(shares, options) + reservedBytes;
    long free = backend.freeBytes() - others;
    if (options.kvTokens() > 0) {
      requireMemory(options.kvTokens() * bytesPerToken, free, others);
      return options.kvTokens();
    }
    long usable = (long) options.maxBatch() * shares.getFirst().whole().maxPositions();
    long tokens = Math.min(usable, (long) (free * backend.kv().shareOfFree()) / bytesPerToken);
    requireMemory(Math.min(16, usable) * bytesPerToken, free, others);
    return (int) Math.min(tokens, Integer.MAX_VALUE - 64);
  }

  /// On all ranks, whose memory is one.
  private static long bytesPerToken(List<RankShare> shares, Backend backend) {
    DType dtype = backend.kv().dtype();
    return shares.stream()
        .map(RankShare::spec)
        .mapToLong(
            spec ->
                spec.kvBytesPerToken(KvGroup.GLOBAL, dtype)
                    + spec.kvBytesPerToken(KvGroup.CHUNKED, dtype))
        .sum();
  }

  private static long scratchBytes(List<RankShare> shares, EngineOptions options) {
    return shares.stream()
        .mapToLong(
            share ->
                StepBuffers.bytes(
                    share.bufferSizes(), options.stepTokens(), StepRunner.MOST_LOGIT_ROWS))
        .sum();
  }

  private static void requireMemory(long needed, long free, long reserved) {
    if (needed > free) {
      throw ErrorReport.of(
              ErrorCode.NOT_ENOUGH_MEMORY,
              "Cannot hold the KV cache beside weights, scratch memory and other models of ["
                  + reserved
                  + "] bytes; lower --kv-tokens")
          .found(
              needed + " bytes needed", "at most " + Math.max(0, free) + " bytes, which are free")
          .key("--kv-tokens")
          .exception();
    }
  }

  /// Hands rows over; returns at once. The batch is not used afterwards.
  ///
  /// @param query who shares a turn in the queue; rows of different queries are taken in turn
  public Submission submit(PromptBatch batch, String query) {
    Submission submission = new Submission(query, batch.rows(), loop::wake);
    List<Sequence> sequences = new ArrayList<>(batch.rows());
    for (int row = 0; row < batch.rows(); row++) {
      int length = batch.promptTokens(row);
      if (length < 1) {
        throw new IllegalArgumentException("Row [" + row + "] has no prompt tokens");
      }
      PromptBatch.Task task = batch.task(row);
      if (length > longestPrompt(task)) {
        submission.complete(row, Completion.failed(promptTooLong(length, task), length));
        continue;
      }
      int[] prompt = new int[length];
      batch.copyPrompt(row, prompt);
      Optional<RowError> error = unknownToken(prompt);
      if (error.isEmpty() && task instanceof PromptBatch.Choose(List<int[]> continuations, _)) {
        error = continuations.stream().flatMap(ids -> unknownToken(ids).stream()).findFirst();
      }
      if (error.isPresent()) {
        submission.complete(row, Completion.failed(error.get(), length));
      } else {
        Sequence sequence = new Sequence(submission, row, prompt, task);
        sequence.limitTime(System.nanoTime(), batch.timeoutNanos(row));
        sequences.add(sequence);
      }
    }
    loop.submit(sequences);
    return submission;
  }

  private Optional<RowError> unknownToken(int[] prompt) {
    for (int id : prompt) {
      if (id < 0 || id >= spec.vocabulary()) {
        return Optional.of(
            new RowError(
                ErrorCode.INVALID_OPTION,
                "Token id ["
                    + id
                    + "] is not in the model's vocabulary, 0 to "
                    + (spec.vocabulary() - 1)
                    + "; option ids"));
      }
    }
    return Optional.empty();
  }

  /// The most tokens that a sequence may have, prompt and answer together.
  public int maxPositions() {
    return spec.maxPositions();
  }

  /// The most tokens that the prompt of such a task may have; an answer needs room for at least one
  /// token.
  public int longestPrompt(PromptBatch.Task task) {
    return switch (task) {
      case PromptBatch.Generate _ -> spec.maxPositions() - 1;
      case PromptBatch.Score _ -> spec.maxPositions();
      case PromptBatch.Choose choose -> spec.maxPositions() - choose.longest();
    };
  }

  /// The error of a prompt of `tokens` tokens.
  public RowError promptTooLong(int tokens, PromptBatch.Task task) {
    String policy = " or say with on_long_prompt what becomes of such rows";
    return new RowError(
        ErrorCode.PROMPT_TOO_LONG,
        "The prompt has ["
            + tokens
            + "] tokens, the model takes at most ["
            + longestPrompt(task)
            + switch (task) {
              case PromptBatch.Generate _ -> "]; shorten it," + policy;
              case PromptBatch.Score _ -> "] with its continuation; shorten it";
              case PromptBatch.Choose _ -> "] beside the longest label; shorten it," + policy;
            });
  }

  /// Memory that is planned and not taken yet: the cache and the scratch buffers grow as they are
  /// needed, and whoever plans meanwhile must leave them room.
  public long outstandingBytes() {
    return Math.max(0, plannedBytes - runner.takenBytes());
  }

  /// Why it takes no more rows in this process: a step failed, and its device is lost. All rows
  /// fail with this from then on. Empty while it answers.
  public Optional<RowError> failure() {
    return loop.fatal();
  }

  /// What has been done so far.
  public EngineStats stats() {
    return loop.stats();
  }

  /// Ends the thread and gives the cache and scratch memory back; rows without an answer fail.
  @Override
  public void close() {
    loop.close();
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    runner.close();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}

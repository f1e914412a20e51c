package io.sparkllama4.golden;

import io.sparkllama4.backend.Availability;
import io.sparkllama4.backend.Backend;
import io.sparkllama4.backend.BackendOptions;
import io.sparkllama4.backend.Backends;
import io.sparkllama4.backend.Kernels;
import io.sparkllama4.backend.WeightForm;
import io.sparkllama4.engine.Completion;
import io.sparkllama4.engine.Engine;
import io.sparkllama4.engine.EngineHooks;
import io.sparkllama4.engine.EngineOptions;
import io.sparkllama4.engine.EngineStats;
import io.sparkllama4.engine.OutputText;
import io.sparkllama4.engine.PromptBatch;
import io.sparkllama4.engine.Submission;
import io.sparkllama4.model.Decoder;
import io.sparkllama4.model.RankShare;
import io.sparkllama4.tensor.Allocator;
import io.sparkllama4.weights.Checkpoint;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.BiFunction;

/// An oracle's checkpoint in an engine; the text of a token is its id.
final class TestModel implements AutoCloseable {
  private final Checkpoint checkpoint;
  private final Backend backend;
  private final List<Allocator> memories = new ArrayList<>();
  private final Engine engine;

  /// The kernel paths of this build.
  static List<String> kernelPaths() {
    return Backends.availability("cpu") instanceof Availability.Available(String best, _)
            && best.equals("native")
        ? List.of("scalar", "vector", "native")
        : List.of("scalar", "vector");
  }

  TestModel(Oracle oracle, String kernels, int threads, EngineOptions options) {
    this(oracle, new BackendOptions(kernels, threads, true), options);
  }

  TestModel(Oracle oracle, BackendOptions how, EngineOptions options) {
    this(oracle, how, options, (_, made) -> made);
  }

  TestModel(
      Oracle oracle,
      BackendOptions how,
      EngineOptions options,
      BiFunction<Integer, Kernels, Kernels> change) {
    this(oracle, "cpu", how, options, change);
  }

  /// @param change what becomes of the kernels of a rank
  TestModel(
      Oracle oracle,
      String name,
      BackendOptions how,
      EngineOptions options,
      BiFunction<Integer, Kernels, Kernels> change) {
    checkpoint = Checkpoint.open(oracle.directory());
    backend = Backends.open(name, how);
    List<Decoder> decoders = new ArrayList<>();
    for (RankShare share : RankShare.of(checkpoint.spec(), how.ranks())) {
      Backend rank = backend.ranks().get(share.rank());
      Allocator memory = rank.allocator();
      memories.add(memory);
      decoders.add(
          new Decoder(
              share,
              checkpoint.weights().placed(share, rank, WeightForm.STORED, memory),
              change.apply(share.rank(), rank.kernels())));
    }
    engine =
        new Engine(
            decoders,
            backend,
            options,
            Set.copyOf(checkpoint.stopIds()),
            IdText::new,
            checkpoint.summary().bytes(),
            EngineHooks.NONE);
  }

  private static final class IdText implements OutputText {
    @Override
    public String append(int id) {
      return "<" + id + ">";
    }

    @Override
    public String finish() {
      return "";
    }
  }

  Checkpoint checkpoint() {
    return checkpoint;
  }

  Backend backend() {
    return backend;
  }

  /// All answers, in order.
  List<Completion> answer(PromptBatch rows) {
    return answers(engine, rows);
  }

  /// All answers of an engine, in order.
  static List<Completion> answers(Engine engine, PromptBatch rows) {
    Submission submission = engine.submit(rows, "test");
    List<Completion> answers = new ArrayList<>();
    for (int row = 0; row < rows.rows(); row++) {
      try {
        answers.add(submission.await(row));
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
    return answers;
  }

  EngineStats stats() {
    return engine.stats();
  }

  @Override
  public void close() {
    engine.close();
    memories.forEach(Allocator::close);
    backend.close();
    checkpoint.close();
  }
}

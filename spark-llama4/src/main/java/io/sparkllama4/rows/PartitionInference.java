package io.sparkllama4.rows;

import io.sparkllama4.engine.Completion;
import io.sparkllama4.engine.PromptBatch;
import io.sparkllama4.engine.RowError;
import io.sparkllama4.engine.Submission;
import io.sparkllama4.error.Llama4Exception;
import io.sparkllama4.plugin.ExecutorEngines;
import io.sparkllama4.plugin.Llama4ConfKeys;
import io.sparkllama4.runtime.ContentSeed;
import io.sparkllama4.runtime.GenerationOptions;
import io.sparkllama4.runtime.ModelHandle;
import io.sparkllama4.runtime.Prompt;
import io.sparkllama4.runtime.PromptEncoder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.spark.TaskContext;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.util.ArrowUtils;
import org.apache.spark.unsafe.types.UTF8String;
import org.jspecify.annotations.Nullable;

/// The rows of one partition on their way through an engine: a bounded window of them is in flight,
/// and they come out in the order in which they went in.
///
/// Confined to its task's thread. When the task ends, however it ends, what is in flight is
/// cancelled and all memory given back.
public final class PartitionInference implements Iterator<InternalRow> {
  /// Rows that go to the engine together: few, so that the first are soon there, but enough that
  /// handing over costs nothing.
  private static final int BATCH_ROWS = 32;

  /// How often a waiting task looks whether it has been killed.
  private static final long KILL_CHECK_MILLIS = 100;

  private final Iterator<InternalRow> input;
  private final List<Call> calls;
  private final BiFunction<InternalRow, Object[], InternalRow> output;
  private final InferenceMetrics metrics;
  private final TaskContext task;
  private final int windowRows;
  private final long querySeed;
  private final String query;
  private final BufferAllocator allocator;
  private final Deque<Batch> inFlight = new ArrayDeque<>();
  private int rowsInFlight;

  /// One call of the operator.
  ///
  /// @param plan what it asks
  /// @param arguments evaluates its arguments for a row
  /// @param model who answers
  private record Call(
      CallPlan plan, Function<InternalRow, InternalRow> arguments, ModelHandle model) {}

  /// Rows that were handed over together.
  private static final class Batch {
    final List<InternalRow> rows = new ArrayList<>();

    /// For each call, what is known of each row.
    final List<List<Slot>> slots = new ArrayList<>();

    final List<Submission> submissions = new ArrayList<>();
    int next;
  }

  /// One row of one call: its place in the submission, or what is known without one.
  ///
  /// @param place in the submission, or [#DECIDED]
  /// @param decided the outcome that needs no engine; null for a NULL prompt
  private record Slot(
      int place,
      ResultValues.@Nullable Outcome decided,
      long seed,
      GenerationOptions.OnLongPrompt onLongPrompt) {}

  private static final int DECIDED = -1;

  /// A partition's inference.
  ///
  /// @param plans the calls
  /// @param arguments for each call, what evaluates its arguments for a row
  /// @param output joins a row with the values of the calls
  public PartitionInference(
      Iterator<InternalRow> input,
      List<CallPlan> plans,
      List<Function<InternalRow, InternalRow>> arguments,
      BiFunction<InternalRow, Object[], InternalRow> output,
      InferenceMetrics metrics,
      TaskContext task) {
    this.input = input;
    this.output = output;
    this.metrics = metrics;
    this.task = task;
    ExecutorEngines engines = ExecutorEngines.get();
    this.calls = new ArrayList<>();
    for (int i = 0; i < plans.size(); i++) {
      calls.add(new Call(plans.get(i), arguments.get(i), model(engines, plans.get(i).alias())));
    }
    this.windowRows = engines.conf().windowRows();
    this.querySeed = engines.conf().seed();
    String execution = task.getLocalProperty("spark.sql.execution.id");
    this.query = execution == null ? "stage-" + task.stageId() : "execution-" + execution;
    this.allocator =
        ArrowUtils.rootAllocator()
            .newChildAllocator("llama4-task-" + task.taskAttemptId(), 0, Long.MAX_VALUE);
    task.addTaskCompletionListener(
        context -> {
          close();
        });
  }

  private static ModelHandle model(ExecutorEngines engines, String alias) {
    try {
      return engines.engines().model(alias);
    } catch (Llama4Exception e) {
      QueryFailure failure = new QueryFailure(Llama4ConfKeys.inTermsOfKeys(alias, e).report());
      failure.initCause(e);
      throw failure;
    }
  }

  private void close() {
    inFlight.forEach(batch -> batch.submissions.forEach(Submission::cancel));
    inFlight.clear();
    allocator.close();
  }

  @Override
  public boolean hasNext() {
    return !inFlight.isEmpty() || input.hasNext();
  }

  @Override
  public InternalRow next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    while (rowsInFlight < windowRows && input.hasNext()) {
      submit(takeBatch());
    }
    Batch batch = inFlight.getFirst();
    int row = batch.next++;
    Object[] values = new Object[calls.size()];
    for (int call = 0; call < values.length; call++) {
      values[call] = value(batch, call, row);
    }
    InternalRow result = output.apply(batch.rows.get(row), values);
    rowsInFlight--;
    if (batch.next == batch.rows.size()) {
      inFlight.removeFirst();
    }
    return result;
  }

  private Batch takeBatch() {
    Batch batch = new Batch();
    int most = Math.min(BATCH_ROWS, windowRows - rowsInFlight);
    while (batch.rows.size() < most && input.hasNext()) {
      // The child may reuse its row object.
      batch.rows.add(input.next().copy());
    }
    rowsInFlight += batch.rows.size();
    metrics.rows().add(batch.rows.size());
    return batch;
  }

  private void submit(Batch batch) {
    inFlight.add(batch);
    for (Call call : calls) {
      List<Slot> slots = new ArrayList<>();
      try (TokenBatch tokens = new TokenBatch(allocator)) {
        for (InternalRow row : batch.rows) {
          slots.add(encode(call, call.arguments().apply(row), tokens));
        }
        batch.slots.add(slots);
        batch.submissions.add(call.model().engine().submit(tokens, query));
        metrics.calls().add(tokens.rows());
      }
    }
  }

  /// Encodes a row's prompt into `tokens`; whatever is wrong with it becomes the row's outcome.
  private Slot encode(Call call, InternalRow arguments, TokenBatch tokens) {
    var fail = GenerationOptions.OnLongPrompt.FAIL;
    if (arguments.isNullAt(0)) {
      return new Slot(DECIDED, null, 0, fail);
    }
    long seed = 0;
    try {
      GenerationOptions options = RowOptions.read(call.plan(), arguments);
      fail = options.onLongPrompt();
      Prompt prompt = prompt(call.plan(), arguments);
      seed = options.seed().orElse(0);
      int[] ids = call.model().encoder().encode(prompt, options.isRaw());
      if (options.seed().isEmpty()) {
        seed = ContentSeed.of(querySeed, ids);
      }
      if (ids.length > call.model().engine().longestPrompt()) {
        return decided(call.model().engine().promptTooLong(ids.length), seed, fail, ids.length);
      }
      int place = tokens.add(ids, new PromptBatch.Generate(options.params(seed)));
      return new Slot(place, null, seed, fail);
    } catch (Llama4Exception e) {
      return decided(new RowError(e.code(), e.report().describe()), seed, fail, 0);
    }
  }

  private static Slot decided(
      RowError error, long seed, GenerationOptions.OnLongPrompt policy, int tokens) {
    return new Slot(
        DECIDED,
        new ResultValues.Outcome(Completion.failed(error, tokens), seed, policy),
        seed,
        policy);
  }

  private static Prompt prompt(CallPlan plan, InternalRow arguments) {
    if (plan.promptType() instanceof StringType) {
      UTF8String text = arguments.getUTF8String(0);
      if (!text.isValid()) {
        throw PromptEncoder.invalidUtf8();
      }
      return new Prompt.Text(text.toString());
    }
    return new Prompt.Messages(MessageColumns.read(arguments.getArray(0), plan.promptType()));
  }

  private @Nullable Object value(Batch batch, int call, int row) {
    Slot slot = batch.slots.get(call).get(row);
    CallPlan plan = calls.get(call).plan();
    if (slot.place() == DECIDED) {
      return slot.decided() == null ? null : ResultValues.value(plan, slot.decided());
    }
    Completion completion = await(batch.submissions.get(call), slot.place());
    metrics.count(completion.usage());
    return ResultValues.value(
        plan, new ResultValues.Outcome(completion, slot.seed(), slot.onLongPrompt()));
  }

  private Completion await(Submission submission, int place) {
    try {
      while (!submission.await(place, KILL_CHECK_MILLIS)) {
        task.killTaskIfInterrupted();
      }
      return submission.await(place);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      task.killTaskIfInterrupted();
      throw new IllegalStateException("The task was interrupted while it waited for a row", e);
    }
  }
}

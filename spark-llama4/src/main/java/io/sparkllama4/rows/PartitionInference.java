package io.sparkllama4.rows;

import io.sparkllama4.engine.Completion;
import io.sparkllama4.engine.Engine;
import io.sparkllama4.engine.RowError;
import io.sparkllama4.engine.Submission;
import io.sparkllama4.error.Llama4Exception;
import io.sparkllama4.plugin.ExecutorEngines;
import io.sparkllama4.plugin.Llama4ConfKeys;
import io.sparkllama4.runtime.ModelHandle;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.spark.TaskContext;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.util.ArrowUtils;
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
  private final String query;
  private final BufferAllocator allocator;
  private final Deque<Batch> inFlight = new ArrayDeque<>();
  private int rowsInFlight;

  /// One call of the operator.
  ///
  /// @param plan what it asks
  /// @param arguments evaluates its arguments for a row
  /// @param encoder makes of them what the engine is asked
  /// @param engine who answers; null where no model is needed
  private record Call(
      CallPlan plan,
      Function<InternalRow, InternalRow> arguments,
      RowEncoder encoder,
      @Nullable Engine engine) {}

  /// Rows that were handed over together.
  private static final class Batch {
    final List<InternalRow> rows = new ArrayList<>();

    /// For each call, what is known of each row.
    final List<List<Slot>> slots = new ArrayList<>();

    final List<@Nullable Submission> submissions = new ArrayList<>();
    int next;
  }

  /// One row of one call.
  ///
  /// @param encoded what became of it before it was submitted
  /// @param place its place in the submission, or [#DECIDED]
  private record Slot(RowEncoder.Encoded encoded, int place) {}

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
      calls.add(call(engines, plans.get(i), arguments.get(i)));
    }
    this.windowRows = engines.conf().windowRows();
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

  private static Call call(
      ExecutorEngines engines, CallPlan plan, Function<InternalRow, InternalRow> arguments) {
    try {
      if (!plan.kind().callsModel()) {
        RowEncoder encoder = new TokenRows(plan, engines.engines().tokenizer(plan.alias()));
        return new Call(plan, arguments, encoder, null);
      }
      ModelHandle model = engines.engines().model(plan.alias());
      RowEncoder encoder = new ModelRows(plan, model, engines.conf().seed());
      return new Call(plan, arguments, encoder, model.engine());
    } catch (Llama4Exception e) {
      QueryFailure failure =
          new QueryFailure(Llama4ConfKeys.inTermsOfKeys(plan.alias(), e).report());
      failure.initCause(e);
      throw failure;
    }
  }

  private void close() {
    for (Batch batch : inFlight) {
      batch.submissions.stream().filter(Objects::nonNull).forEach(Submission::cancel);
    }
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
          RowEncoder.Encoded encoded = call.encoder().encode(call.arguments().apply(row));
          int place =
              encoded instanceof RowEncoder.Request request
                  ? tokens.add(request.ids(), request.task(), request.timeoutNanos())
                  : DECIDED;
          slots.add(new Slot(encoded, place));
        }
        batch.slots.add(slots);
        Engine engine = call.engine();
        batch.submissions.add(engine == null ? null : engine.submit(tokens, query));
        metrics.calls().add(tokens.rows());
      }
    }
  }

  private @Nullable Object value(Batch batch, int call, int row) {
    Slot slot = batch.slots.get(call).get(row);
    CallPlan plan = calls.get(call).plan();
    return switch (slot.encoded()) {
      case RowEncoder.Known(Object value) -> value;
      case RowEncoder.Refused(RowError error, int tokens, ResultValues.Context context) ->
          ResultValues.value(plan, Completion.failed(error, tokens), context);
      case RowEncoder.Request request -> {
        Submission submission = Objects.requireNonNull(batch.submissions.get(call));
        Completion completion = await(submission, slot.place());
        metrics.count(completion.usage());
        yield ResultValues.value(plan, completion, request.context());
      }
    };
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

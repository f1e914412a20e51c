package io.sparkllama4.rows;

import io.sparkllama4.engine.Completion;
import io.sparkllama4.engine.Engine;
import io.sparkllama4.engine.RowError;
import io.sparkllama4.engine.Submission;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.error.Llama4Exception;
import io.sparkllama4.plugin.ExecutorEngines;
import io.sparkllama4.plugin.Llama4ConfKeys;
import io.sparkllama4.runtime.ModelHandle;
import io.sparkllama4.runtime.StatementAnswers;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.spark.TaskContext;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.util.ArrowUtils;
import org.jspecify.annotations.Nullable;

/// The rows of one partition on their way through an engine: a bounded window of them is in flight,
/// and they come out in the order in which they went in. While a row takes long, those behind it
/// that have been answered make room for further ones, up to a few windows in all.
///
/// Confined to its task's thread. When the task ends, however it ends, what is in flight is
/// cancelled and all memory given back.
public final class PartitionInference implements Iterator<InternalRow> {
  /// Rows that go to the engine together: few, so that the first are soon there, but enough that
  /// handing over costs nothing.
  private static final int BATCH_ROWS = 32;

  /// The part of its window that a task refills at once, where its rows wait: handed over one by
  /// one as others leave, rows would cost a batch each, and a task would disturb the engine's
  /// threads in every step. Smaller parts keep the engine supplied just as well.
  private static final int REFILLS = 8;

  /// Windows of rows that a task holds at most, the answered ones behind a slow row included: short
  /// rows can keep an engine busy while one runs that is several times as long.
  private static final int MOST_WINDOWS = 4;

  /// How often a waiting task looks whether it has been killed, and what else has been answered.
  private static final long LOOK_MILLIS = 50;

  private final Iterator<InternalRow> input;
  private final List<Call> calls;
  private final BiFunction<InternalRow, Object[], InternalRow> output;
  private final InferenceMetrics metrics;
  private final TaskContext task;
  private final int windowRows;
  private final int refillRows;
  private final String query;
  private final StatementAnswers answers;
  private final BufferAllocator allocator;
  private final Deque<Batch> inFlight = new ArrayDeque<>();

  /// Rows in [#inFlight] that have not come out.
  private int rowsHeld;

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

    final List<Submission> submissions = new ArrayList<>();
    int next;

    /// Rows that have not come out and may have no answer yet.
    int unanswered() {
      int most = submissions.stream().mapToInt(Submission::unanswered).sum();
      return Math.min(rows.size() - next, most);
    }
  }

  /// One row of one call.
  private static final class Slot {
    /// What became of it before it was submitted.
    final RowEncoder.Encoded encoded;

    /// Its share in an answer, where an engine is asked.
    StatementAnswers.@Nullable Claim claim;

    Slot(RowEncoder.Encoded encoded) {
      this.encoded = encoded;
    }
  }

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
    this.refillRows = Math.clamp(windowRows / REFILLS, 1, BATCH_ROWS);
    String execution = task.getLocalProperty("spark.sql.execution.id");
    this.query = execution == null ? "stage-" + task.stageId() : "execution-" + execution;
    this.answers = execution == null ? new StatementAnswers(0) : engines.answers();
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
      Optional<RowError> lost = model.engine().failure();
      if (lost.isPresent()) {
        // Whoever's rows were lost with it may have gone without them, and told nobody.
        engines.end(lost.get().message());
        engines.awaitEnd();
        throw failed(lost.get());
      }
      RowEncoder encoder = new ModelRows(plan, model, engines.conf().seed());
      return new Call(plan, arguments, encoder, model.engine());
    } catch (Llama4Exception e) {
      QueryFailure failure =
          new QueryFailure(Llama4ConfKeys.inTermsOfKeys(plan.alias(), e).report());
      failure.initCause(e);
      throw failure;
    }
  }

  /// The failure of a task on an executor that can answer no row.
  private static QueryFailure failed(RowError lost) {
    return new QueryFailure(ErrorReport.of(lost.code(), lost.message()));
  }

  private void close() {
    for (Batch batch : inFlight) {
      batch.submissions.forEach(Submission::cancel);
      // Tasks that wait for these rows have to submit them.
      batch.slots.stream()
          .flatMap(List::stream)
          .map(slot -> slot.claim)
          .filter(claim -> claim != null && claim.isMine())
          .forEach(claim -> claim.answer().abandon());
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
    while (rowsHeld + refillRows <= windowRows && input.hasNext()) {
      submit(takeBatch(windowRows - rowsHeld));
    }
    Batch batch = inFlight.getFirst();
    int row = batch.next++;
    Object[] values = new Object[calls.size()];
    for (int call = 0; call < values.length; call++) {
      values[call] = value(batch, call, row);
    }
    InternalRow result = output.apply(batch.rows.get(row), values);
    rowsHeld--;
    if (batch.next == batch.rows.size()) {
      inFlight.removeFirst();
    }
    return result;
  }

  /// Takes rows behind one that is not answered, in place of those that are.
  private void refill() {
    int unanswered = inFlight.stream().mapToInt(Batch::unanswered).sum();
    while (unanswered + refillRows <= windowRows
        && rowsHeld + refillRows <= (long) MOST_WINDOWS * windowRows
        && input.hasNext()) {
      submit(takeBatch(refillRows));
      unanswered += refillRows;
    }
  }

  private Batch takeBatch(int room) {
    Batch batch = new Batch();
    int most = Math.min(BATCH_ROWS, room);
    while (batch.rows.size() < most && input.hasNext()) {
      // The child may reuse its row object.
      batch.rows.add(input.next().copy());
    }
    rowsHeld += batch.rows.size();
    metrics.rows().add(batch.rows.size());
    return batch;
  }

  private void submit(Batch batch) {
    inFlight.add(batch);
    for (Call call : calls) {
      List<Slot> slots = new ArrayList<>();
      batch.slots.add(slots);
      try (TokenBatch tokens = new TokenBatch(allocator)) {
        List<StatementAnswers.Answer> mine = new ArrayList<>();
        for (InternalRow row : batch.rows) {
          Slot slot = new Slot(call.encoder().encode(call.arguments().apply(row)));
          slots.add(slot);
          if (slot.encoded instanceof RowEncoder.Request request) {
            claim(call, slot, request, tokens).ifPresent(mine::add);
          }
        }
        hand(call, batch, tokens, mine);
      }
    }
  }

  /// Claims a row's answer; one that nobody computes yet is put into `tokens`.
  private Optional<StatementAnswers.Answer> claim(
      Call call, Slot slot, RowEncoder.Request request, TokenBatch tokens) {
    StatementAnswers.Claim claim =
        answers.claim(
            new StatementAnswers.Key(
                query, call.plan().alias(), request.task(), request.timeoutNanos(), request.ids()));
    slot.claim = claim;
    if (!claim.isMine()) {
      return Optional.empty();
    }
    tokens.add(request.ids(), request.task(), request.timeoutNanos());
    return Optional.of(claim.answer());
  }

  /// Hands rows over to the engine; `mine` are their answers.
  private void hand(Call call, Batch batch, TokenBatch tokens, List<StatementAnswers.Answer> mine) {
    if (mine.isEmpty()) {
      return;
    }
    Submission submission = Objects.requireNonNull(call.engine()).submit(tokens, query);
    batch.submissions.add(submission);
    for (int place = 0; place < mine.size(); place++) {
      mine.get(place).attach(submission, place);
    }
    metrics.calls().add(mine.size());
  }

  private @Nullable Object value(Batch batch, int index, int row) {
    Slot slot = batch.slots.get(index).get(row);
    Call call = calls.get(index);
    return switch (slot.encoded) {
      case RowEncoder.Known(Object value) -> value;
      case RowEncoder.Refused(RowError error, int tokens, ResultValues.Context context) ->
          ResultValues.value(call.plan(), Completion.failed(error, tokens), context);
      case RowEncoder.Request request -> {
        Completion completion = await(index, batch, slot, request);
        if (completion.error().isPresent()) {
          requireDevice(call);
        }
        if (Objects.requireNonNull(slot.claim).isMine()) {
          metrics.count(completion.usage());
        }
        yield ResultValues.value(call.plan(), completion, request.context());
      }
    };
  }

  /// What a lost device leaves without an answer is no failure of the row: the task fails, and
  /// another executor computes it again.
  private static void requireDevice(Call call) {
    Optional<RowError> lost = Objects.requireNonNull(call.engine()).failure();
    if (lost.isPresent()) {
      ExecutorEngines.get().end(lost.get().message());
      throw failed(lost.get());
    }
  }

  private Completion await(int index, Batch batch, Slot slot, RowEncoder.Request request) {
    try {
      while (true) {
        StatementAnswers.Answer answer = Objects.requireNonNull(slot.claim).answer();
        if (answer.await(0) == StatementAnswers.State.PENDING) {
          awaitLast(batch.slots.get(index));
        }
        switch (answer.await(LOOK_MILLIS)) {
          case READY -> {
            return answers.take(answer);
          }
          case PENDING -> {
            task.killTaskIfInterrupted();
            refill();
          }
          case LOST -> submitAgain(calls.get(index), batch, slot, request);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      task.killTaskIfInterrupted();
      throw new IllegalStateException("The task was interrupted while it waited for a row", e);
    }
  }

  /// Waits a while for the last row of a batch: a task that wakes for each of its rows takes the
  /// processor from the engine as often, and all of the engine's threads wait for the one.
  private static void awaitLast(List<Slot> slots) throws InterruptedException {
    Slot last = slots.getLast();
    if (last.claim != null) {
      last.claim.answer().await(LOOK_MILLIS);
    }
  }

  /// Asks for a row whose answer another task owed, which has ended without it.
  private void submitAgain(Call call, Batch batch, Slot slot, RowEncoder.Request request) {
    try (TokenBatch tokens = new TokenBatch(allocator)) {
      hand(call, batch, tokens, claim(call, slot, request, tokens).stream().toList());
    }
  }
}

package io.sparkllama4.runtime;

import io.sparkllama4.engine.Completion;
import io.sparkllama4.engine.PromptBatch;
import io.sparkllama4.engine.Submission;
import io.sparkllama4.engine.TokenLogprob;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/// What has been asked within the statements that run, so that equal rows of a statement are
/// computed once in this process. Thread-safe.
///
/// Who asks first submits the row to an engine; who asks the same meanwhile or later waits for that
/// submission, or takes its answer. Answers are kept up to a number of bytes; what has not been
/// asked for longest goes first. Rows that failed are not kept.
public final class StatementAnswers {
  /// What an entry takes besides its ids and texts, roughly.
  private static final long ENTRY_BYTES = 300;

  private final long capacity;
  private final Map<Key, Answer> answers = new LinkedHashMap<>(16, 0.75f, true);
  private long bytes;

  /// Keeps answers of up to `capacity` bytes; 0 keeps none and shares nothing.
  public StatementAnswers(long capacity) {
    this.capacity = capacity;
  }

  /// Everything that an answer depends on.
  ///
  /// @param statement the execution of a statement
  /// @param alias the model
  /// @param task what is wanted, with all options
  /// @param timeoutNanos how long it may take
  /// @param ids the prompt
  @SuppressWarnings("ArrayRecordComponent") // Compared by content below.
  public record Key(
      String statement, String alias, PromptBatch.Task task, long timeoutNanos, int[] ids) {
    @Override
    public boolean equals(Object other) {
      return other instanceof Key key
          && statement.equals(key.statement)
          && alias.equals(key.alias)
          && task.equals(key.task)
          && timeoutNanos == key.timeoutNanos
          && Arrays.equals(ids, key.ids);
    }

    @Override
    public int hashCode() {
      return Objects.hash(statement, alias, task, timeoutNanos, Arrays.hashCode(ids));
    }
  }

  /// A row's share in an answer.
  ///
  /// @param answer which
  /// @param isMine whether the row has to submit it; it counts as the call then
  public record Claim(Answer answer, boolean isMine) {}

  /// How an answer stands.
  public enum State {
    /// It is there.
    READY,
    /// It is not there yet.
    PENDING,
    /// Nobody computes it any more: whoever needs it has to claim it again.
    LOST
  }

  /// Where an answer is computed.
  private record Place(Submission submission, int row) {
    Optional<Completion> answer() {
      return submission.answer(row);
    }
  }

  /// One answer, on its way or there.
  public static final class Answer {
    private final Key key;
    private final long bytes;

    /// Where it is computed, or nowhere.
    private final CompletableFuture<Optional<Place>> place = new CompletableFuture<>();

    /// What it is, where it is kept without the submission, which holds other rows too.
    private final Optional<Completion> kept;

    private Answer(Key key, Optional<Completion> kept) {
      this.key = key;
      this.kept = kept;
      long content = kept.map(StatementAnswers::size).orElse(0L);
      this.bytes = ENTRY_BYTES + (long) Integer.BYTES * key.ids().length + content;
    }

    /// Says where it is computed.
    public void attach(Submission submission, int row) {
      place.complete(Optional.of(new Place(submission, row)));
    }

    /// Says that it will not be computed, where it has not been submitted.
    public void abandon() {
      place.complete(Optional.empty());
    }

    /// Waits for it, but no longer than `millis`.
    public State await(long millis) throws InterruptedException {
      if (kept.isPresent()) {
        return State.READY;
      }
      Optional<Place> at;
      try {
        at = place.get(millis, TimeUnit.MILLISECONDS);
      } catch (TimeoutException e) {
        return State.PENDING;
      } catch (ExecutionException e) {
        throw new IllegalStateException("A place is given or not, and never fails", e);
      }
      if (at.isEmpty()) {
        return State.LOST;
      }
      Submission submission = at.get().submission();
      int row = at.get().row();
      // A cancelled submission may still hold rows that were answered before.
      if (submission.isCancelled() ? submission.isDone(row) : submission.await(row, millis)) {
        return State.READY;
      }
      return submission.isCancelled() ? State.LOST : State.PENDING;
    }

    /// What it is; it must be there.
    private Completion completion() {
      return kept.or(() -> place.getNow(Optional.empty()).flatMap(Place::answer))
          .orElseThrow(() -> new IllegalStateException("The answer is not ready"));
    }

    /// False where it failed or is lost, so that it is of no use to another row.
    private boolean isUsable() {
      if (kept.isPresent() || !place.isDone()) {
        return true;
      }
      Optional<Place> at = place.getNow(Optional.empty());
      if (at.isEmpty()) {
        return false;
      }
      return at.get()
          .answer()
          .map(answer -> answer.error().isEmpty())
          .orElseGet(() -> !at.get().submission().isCancelled());
    }
  }

  /// A share in the answer to `key`.
  public Claim claim(Key key) {
    if (capacity == 0) {
      return new Claim(new Answer(key, Optional.empty()), true);
    }
    synchronized (this) {
      Answer known = answers.get(key);
      if (known != null && known.isUsable()) {
        return new Claim(known, false);
      }
      drop(key);
      Answer answer = new Answer(key, Optional.empty());
      put(answer);
      return new Claim(answer, true);
    }
  }

  /// The answer, which is ready; it is kept for others unless it failed.
  public Completion take(Answer answer) {
    Completion completion = answer.completion();
    synchronized (this) {
      if (answer.kept.isEmpty() && answers.get(answer.key) == answer) {
        drop(answer.key);
        if (completion.error().isEmpty()) {
          put(new Answer(answer.key, Optional.of(completion)));
        }
      }
    }
    return completion;
  }

  private void put(Answer answer) {
    answers.put(answer.key, answer);
    bytes += answer.bytes;
    evict();
  }

  private void drop(Key key) {
    Answer dropped = answers.remove(key);
    bytes -= dropped == null ? 0 : dropped.bytes;
  }

  private void evict() {
    Iterator<Answer> eldest = answers.values().iterator();
    while (bytes > capacity && eldest.hasNext()) {
      bytes -= eldest.next().bytes;
      eldest.remove();
    }
  }

  static long size(Completion completion) {
    long size = 2L * completion.text().length() + 4L * completion.ids().length;
    for (TokenLogprob token : completion.logprobs()) {
      size += 40 + 24L * token.alternatives().size();
    }
    return size;
  }

  /// The bytes that answers take now.
  public synchronized long bytes() {
    return bytes;
  }
}

package io.sparkllama4.engine;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// One row while it is in the engine: its tokens so far, what of them is computed, where its keys
/// and values lie. Confined to the engine's thread once it has been submitted.
final class Sequence {
  private final Submission submission;
  private final int row;
  private final PromptBatch.Task task;
  private final IntList tokens;
  private final int promptTokens;

  /// Block ids of each cache group, and the index of the first that is still held.
  final IntList globalBlocks = new IntList(4);

  final IntList chunkedBlocks = new IntList(4);
  int firstChunkedBlock;

  /// Tokens whose keys and values are in the cache.
  private int computed;

  /// Its place in the order of arrival, which decides who goes first and who gives way.
  private long arrival;

  /// When its time is up, by the clock of [System#nanoTime], where it has a limit.
  private long deadline;

  private long timeoutNanos;

  /// The continuations that it is scored with, where that is its task.
  final @Nullable Choice choice;

  /// What it has said so far; the sampler's.
  Sampler.@Nullable Output output;

  final List<TokenLogprob> logprobs = new ArrayList<>();
  long prefillNanos;
  long decodeNanos;

  /// A row with its prompt.
  Sequence(Submission submission, int row, int[] prompt, PromptBatch.Task task) {
    this.submission = submission;
    this.row = row;
    this.task = task;
    this.promptTokens = prompt.length;
    this.tokens = IntList.of(prompt);
    if (task instanceof PromptBatch.Choose(List<int[]> continuations)) {
      choice = new Choice(prompt.length, continuations);
      choice.begin(tokens);
    } else {
      choice = null;
    }
  }

  Submission submission() {
    return submission;
  }

  int row() {
    return row;
  }

  PromptBatch.Task task() {
    return task;
  }

  /// Prompt and output so far.
  IntList tokens() {
    return tokens;
  }

  int length() {
    return tokens.size();
  }

  int promptTokens() {
    return promptTokens;
  }

  int generated() {
    return tokens.size() - promptTokens;
  }

  int computed() {
    return computed;
  }

  /// Tokens that wait to be computed; 1 while it generates.
  int pending() {
    return tokens.size() - computed;
  }

  /// True where the one pending token is the last that was sampled.
  boolean isDecoding() {
    return pending() == 1 && generated() > 0 && choice == null;
  }

  /// The most tokens that are known to be computed at once.
  int reach() {
    return choice == null ? length() : promptTokens + choice.longest();
  }

  /// Tokens that are in the cache for good: it is never rolled back to fewer.
  int settled() {
    return choice != null && choice.hasMoreLegs() ? Math.min(computed, promptTokens) : computed;
  }

  /// Goes back to the first `length` tokens.
  void truncate(int length) {
    tokens.truncate(length);
    computed = Math.min(computed, length);
  }

  void commit(int count) {
    computed += count;
  }

  /// Forgets what was computed, but not what was sampled.
  void restart() {
    computed = 0;
  }

  long arrival() {
    return arrival;
  }

  void arrived(long order) {
    arrival = order;
  }

  /// Limits the time from `now` on.
  ///
  /// @param nanos 0 for no limit
  void limitTime(long now, long nanos) {
    timeoutNanos = nanos;
    deadline = now + nanos;
  }

  /// True where its time is up at `now`.
  boolean isLate(long now) {
    return timeoutNanos > 0 && now - deadline >= 0;
  }

  long timeoutNanos() {
    return timeoutNanos;
  }

  boolean isCancelled() {
    return submission.isCancelled();
  }
}

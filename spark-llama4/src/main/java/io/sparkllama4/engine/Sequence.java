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

  /// Its full blocks as the prefix cache knows them, and how many of them it has let others share.
  final List<PrefixNode> path = new ArrayList<>();

  int published;

  /// What it waits for before it begins: another sequence is computing it.
  @Nullable PrefixNode awaited;

  /// Tokens whose keys and values are in the cache.
  private int computed;

  /// Tokens of its prompt that were in the cache when it first began.
  private int cachedTokens;

  /// Its place in the order of arrival, which decides who goes first and who gives way.
  private long arrival;

  /// When its time is up, by the clock of [System#nanoTime], where it has a limit.
  private long deadline;

  private long timeoutNanos;

  /// Guesses at the tokens behind the last, and how many of them have turned out right.
  private final IntList drafts = new IntList(Drafter.MOST_TOKENS);

  private int confirmed;
  private @Nullable Drafter drafter;

  /// Whether it has been answered: nothing more is expected of it.
  private boolean isOver;

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
    if (task instanceof PromptBatch.Choose choose) {
      choice = new Choice(prompt.length, choose);
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

  /// Tokens that it keeps: it is never rolled back to fewer.
  int fixedTokens() {
    return choice != null && choice.hasMoreLegs() ? promptTokens : length();
  }

  /// Tokens that are in the cache for good.
  int settled() {
    return Math.min(computed, fixedTokens());
  }

  /// The most tokens that it need not compute itself: the logits behind all later ones are wanted.
  int reusable() {
    return switch (task) {
      case PromptBatch.Generate _ -> length() - 1;
      case PromptBatch.Score(int first, int _) -> Math.min(Math.max(0, first - 1), length() - 1);
      case PromptBatch.Choose _ -> promptTokens - 1;
    };
  }

  int cachedTokens() {
    return cachedTokens;
  }

  /// Guesses at most `most` tokens behind the last.
  void draft(int most, RecentOutputs recent) {
    if (drafter == null) {
      drafter = new Drafter(tokens);
    }
    drafter.draft(most, recent, drafts);
  }

  /// Tokens that are guessed.
  IntList drafts() {
    return drafts;
  }

  void dropDrafts() {
    drafts.clear();
    confirmed = 0;
  }

  /// The token at `position`, which may be guessed.
  int token(int position) {
    return position < length() ? tokens.get(position) : drafts.get(position - length());
  }

  /// Adds a token that was sampled. Where it is the one that was guessed, what is computed behind
  /// it stays; else it goes, with the other guesses.
  void extend(int id) {
    tokens.add(id);
    if (confirmed < drafts.size() && drafts.get(confirmed) == id) {
      confirmed++;
      return;
    }
    if (drafter != null && !drafts.isEmpty()) {
      drafter.learn(drafts.size(), confirmed);
    }
    dropDrafts();
    computed = Math.min(computed, length() - 1);
  }

  boolean isOver() {
    return isOver;
  }

  void end() {
    isOver = true;
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
    dropDrafts();
    computed = 0;
  }

  long arrival() {
    return arrival;
  }

  /// Begins for the first time.
  ///
  /// @param cached tokens that were in the cache already
  void arrived(long order, int cached) {
    arrival = order;
    cachedTokens = cached;
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

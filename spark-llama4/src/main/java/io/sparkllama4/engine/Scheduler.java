package io.sparkllama4.engine;

import io.sparkllama4.error.ErrorCode;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import java.util.function.LongSupplier;

/// Decides who computes what in the next step.
///
/// Sequences that generate go first, then prompts in chunks, then new rows as long as there is
/// room. Where several begin alike, one computes the common tokens and the others wait for it.
/// Where blocks run out, the sequence that arrived last gives way: it loses its keys and values,
/// not its tokens, and goes on, with the same result, when there is room again. Confined to the
/// engine's thread.
final class Scheduler {
  /// The part of the expected growth that is kept free. Rows end at different times and make room
  /// for each other; more would keep batches narrower than what it saves.
  private static final double GROWTH_SHARE = 0.25;

  private final EngineOptions options;
  private final KvBlocks blocks;
  private final Speculation speculation;
  private final BiConsumer<Sequence, RowError> failed;
  private final LongSupplier clock;

  private final WaitingRows waiting = new WaitingRows();

  /// Sequences that gave way, oldest first.
  private final TreeSet<Sequence> preempted =
      new TreeSet<>(Comparator.comparingLong(Sequence::arrival));

  /// Sequences that hold blocks, oldest first.
  private final List<Sequence> running = new ArrayList<>();

  /// How long outputs are that have ended lately.
  private final RecentMean outputs = new RecentMean(0.95);

  private long arrivals;
  private long preemptions;

  /// @param failed told of a row that can never be computed
  Scheduler(
      EngineOptions options,
      KvBlocks blocks,
      Speculation speculation,
      BiConsumer<Sequence, RowError> failed) {
    this(options, blocks, speculation, failed, System::nanoTime);
  }

  /// As above, with the clock that tells when a row's time is up.
  Scheduler(
      EngineOptions options,
      KvBlocks blocks,
      Speculation speculation,
      BiConsumer<Sequence, RowError> failed,
      LongSupplier clock) {
    this.options = options;
    this.blocks = blocks;
    this.speculation = speculation;
    this.failed = failed;
    this.clock = clock;
  }

  void add(Sequence sequence) {
    waiting.add(sequence.submission().query(), sequence);
  }

  boolean hasWork() {
    return !running.isEmpty() || !preempted.isEmpty() || !waiting.isEmpty();
  }

  long preemptions() {
    return preemptions;
  }

  /// Takes a finished sequence out and gives its blocks back.
  void remove(Sequence sequence) {
    if (running.remove(sequence)) {
      if (sequence.task() instanceof PromptBatch.Generate) {
        outputs.add(sequence.generated());
      }
      blocks.release(sequence);
    }
  }

  /// All sequences that are in, for a failure of the engine as a whole.
  List<Sequence> drain() {
    List<Sequence> all = new ArrayList<>(running);
    running.forEach(blocks::release);
    running.clear();
    all.addAll(preempted);
    preempted.clear();
    while (!waiting.isEmpty()) {
      all.add(waiting.take());
    }
    return all;
  }

  /// The next step; empty only where nothing can be done.
  StepPlan next() {
    dropCancelled();
    failLate();
    planSpeculation();
    StepPlan plan = new StepPlan();
    planRunning(plan, true);
    planRunning(plan, false);
    admit(plan);
    return plan;
  }

  private void dropCancelled() {
    for (Sequence sequence : List.copyOf(running)) {
      if (sequence.isCancelled()) {
        remove(sequence);
      }
    }
    preempted.removeIf(Sequence::isCancelled);
    waiting.takeAll(Sequence::isCancelled);
  }

  /// Rows whose time is up fail, wherever they are, and hold nothing any more.
  private void failLate() {
    long now = clock.getAsLong();
    List<Sequence> late = new ArrayList<>(waiting.takeAll(sequence -> sequence.isLate(now)));
    preempted.stream().filter(sequence -> sequence.isLate(now)).forEach(late::add);
    running.stream().filter(sequence -> sequence.isLate(now)).forEach(late::add);
    for (Sequence sequence : late) {
      preempted.remove(sequence);
      remove(sequence);
      failed.accept(sequence, timedOut(sequence));
    }
  }

  private static RowError timedOut(Sequence sequence) {
    return new RowError(
        ErrorCode.TIMEOUT,
        "The row had no answer within ["
            + BigDecimal.valueOf(sequence.timeoutNanos(), 9).stripTrailingZeros().toPlainString()
            + "] seconds of its submission; raise option timeout");
  }

  private void planRunning(StepPlan plan, boolean decoding) {
    for (Sequence sequence : List.copyOf(running)) {
      if (sequence.isDecoding() == decoding && running.contains(sequence)) {
        int count = affordable(sequence.pending(), plan);
        if (count > 0 && makeRoom(sequence, count, plan)) {
          count += decoding ? draft(sequence, plan) : 0;
          plan.slices().add(new StepPlan.Slice(sequence, sequence.computed(), count));
        }
      }
    }
  }

  private void planSpeculation() {
    int generating = 0;
    for (Sequence sequence : running) {
      generating += sequence.isDecoding() ? 1 : 0;
    }
    boolean isFull = running.size() >= options.maxBatch();
    boolean nobodyComes = preempted.isEmpty() && waiting.isEmpty();
    speculation.plan(generating, generating == running.size() && (isFull || nobodyComes));
  }

  /// Guesses tokens of `sequence` where there is room for them that nobody else needs; returns how
  /// many.
  private int draft(Sequence sequence, StepPlan plan) {
    int left = options.stepTokens() - plan.tokens() - running.size();
    speculation.draft(sequence, left);
    int drafts = sequence.drafts().size();
    if (drafts > 0 && !blocks.reserve(sequence, sequence.length() + drafts)) {
      sequence.dropDrafts();
      return 0;
    }
    return drafts;
  }

  /// How many of the `pending` tokens of a sequence the step can take.
  private int affordable(int pending, StepPlan plan) {
    int left = options.stepTokens() - plan.tokens();
    if (options.prefillChunk() == 0) {
      // All of a prompt in one step, whatever its length; but a long one has the step for itself.
      return pending <= left || plan.isEmpty() ? pending : 0;
    }
    return Math.min(Math.min(pending, options.prefillChunk()), left);
  }

  /// Blocks for `count` more tokens of `sequence`, taken from those that arrived later if need be.
  private boolean makeRoom(Sequence sequence, int count, StepPlan plan) {
    while (!blocks.reserve(sequence, sequence.computed() + count)) {
      Sequence last = running.getLast();
      if (last != sequence) {
        preempt(last, plan);
      } else if (running.size() > 1) {
        preempt(sequence, plan);
        return false;
      } else {
        running.remove(sequence);
        blocks.release(sequence);
        failed.accept(sequence, tooLarge(sequence));
        return false;
      }
    }
    return true;
  }

  private void preempt(Sequence sequence, StepPlan plan) {
    plan.remove(sequence);
    running.remove(sequence);
    blocks.release(sequence);
    sequence.restart();
    preempted.add(sequence);
    preemptions++;
  }

  /// Lets rows in, those that gave way before new ones, as long as their tokens so far fit. A row
  /// whose beginning another one is computing waits for it, and lets others go ahead.
  private void admit(StepPlan plan) {
    List<Sequence> held = new ArrayList<>();
    while (running.size() < options.maxBatch()
        && held.size() < options.maxBatch()
        && !(preempted.isEmpty() && waiting.isEmpty())) {
      boolean isNew = preempted.isEmpty();
      Sequence candidate = isNew ? waiting.peek() : preempted.first();
      int step = stepOf(candidate);
      if (!blocks.canEverHold(candidate.reach(), step)) {
        take(isNew);
        failed.accept(candidate, tooLarge(candidate));
        continue;
      }
      SharedPrefix prefix = blocks.find(candidate);
      if (prefix.isComing() && isNew) {
        held.add(waiting.take());
        continue;
      }
      int count =
          prefix.isComing() ? 0 : affordable(candidate.length() - blocks.tokens(prefix), plan);
      if (count == 0 || !blocks.canBegin(prefix, candidate.reach() + growth(candidate), step)) {
        break;
      }
      take(isNew);
      begin(candidate, isNew, prefix);
      if (!blocks.reserve(candidate, candidate.computed() + count)) {
        throw new IllegalStateException("Blocks that were counted as free are not");
      }
      plan.slices().add(new StepPlan.Slice(candidate, candidate.computed(), count));
    }
    waiting.putBack(held);
  }

  private void begin(Sequence sequence, boolean isNew, SharedPrefix prefix) {
    blocks.begin(sequence, prefix);
    if (isNew) {
      sequence.arrived(arrivals++, sequence.computed());
    }
    enter(sequence);
  }

  /// Tokens that must stay free for what the rows in the cache and `candidate` will probably add: a
  /// row that must give way soon after it has begun was computed in vain.
  private int growth(Sequence candidate) {
    if (running.isEmpty()) {
      return 0;
    }
    double tokens = expected(candidate);
    for (Sequence sequence : running) {
      tokens += expected(sequence);
    }
    return (int) Math.min(GROWTH_SHARE * tokens, Integer.MAX_VALUE / 2.0);
  }

  private double expected(Sequence sequence) {
    return sequence.task() instanceof PromptBatch.Generate(SamplingParams params)
        ? Math.max(0, Math.min(outputs.mean(), params.maxTokens()) - sequence.generated())
        : 0;
  }

  private int stepOf(Sequence sequence) {
    if (options.prefillChunk() == 0) {
      return sequence.reach();
    }
    // The chunk in which the prompt ends stays open for all continuations.
    Choice choice = sequence.choice;
    return options.prefillChunk() + (choice == null ? 0 : choice.longest());
  }

  private void take(boolean isNew) {
    if (isNew) {
      waiting.take();
    } else {
      preempted.removeFirst();
    }
  }

  /// Keeps the running ones in order of arrival.
  private void enter(Sequence sequence) {
    int at = running.size();
    while (at > 0 && running.get(at - 1).arrival() > sequence.arrival()) {
      at--;
    }
    running.add(at, sequence);
  }

  private static RowError tooLarge(Sequence sequence) {
    return new RowError(
        ErrorCode.NOT_ENOUGH_MEMORY,
        "The row needs keys and values of ["
            + sequence.reach()
            + "] tokens, more than the whole KV cache holds; raise --kv-tokens or"
            + " spark.llama4.kv.tokens");
  }
}

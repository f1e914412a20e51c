package io.sparkllama4.engine;

import java.util.stream.Stream;

/// Decides in which steps guessed tokens are verified along, and measures what that is worth.
///
/// A guess saves a step where it is right and costs computing one more token where it is not. What
/// that costs depends on machine, model and width of the step, and how often guesses are right
/// depends on the rows; so steps of either kind are timed, per width, and the faster kind is taken.
/// The other is tried again now and then. Confined to the engine's thread.
final class Speculation {
  /// Steps of a kind that are needed to know it.
  private static final int TRIALS = 4;

  /// A width tries the kind that seemed slower for two of so many steps: often at first, when code
  /// has not been compiled yet and times mislead.
  private static final int FIRST_PERIOD = 8;

  private static final int LAST_PERIOD = 128;

  /// A step that takes so many times what is usual was held up by something else.
  private static final double OUTLIER = 3;

  /// Widths up to 2^i - 1 rows.
  private static final int WIDTHS = 32;

  private final SpeculationMode mode;
  private final int maxPositions;
  private final Width[] widths = Stream.generate(Width::new).limit(WIDTHS).toArray(Width[]::new);
  private final RecentOutputs recent = new RecentOutputs();
  private boolean drafts;

  /// @param maxPositions the longest sequence
  Speculation(SpeculationMode mode, int maxPositions) {
    this.mode = mode;
    this.maxPositions = maxPositions;
  }

  /// What steps of a similar number of rows take.
  private static final class Width {
    final Pace plain = new Pace();
    final Pace drafted = new Pace();
    int steps;

    boolean prefersDrafts() {
      if (plain.steps < TRIALS || drafted.steps < TRIALS) {
        return plain.steps >= TRIALS;
      }
      boolean isFaster = drafted.nanosPerToken() < plain.nanosPerToken();
      int period = Math.clamp(Integer.highestOneBit(steps) / 4, FIRST_PERIOD, LAST_PERIOD);
      return isFaster != (steps % period < 2);
    }
  }

  /// The time of a token of output; what was measured lately counts most.
  private static final class Pace {
    final RecentMean nanos = new RecentMean(0.8);
    final RecentMean tokens = new RecentMean(0.8);
    int steps;

    void add(long stepNanos, int stepTokens) {
      double usual = nanosPerToken() * stepTokens;
      if (OUTLIER * stepNanos < usual) {
        // What was measured before was held up.
        nanos.clear();
        tokens.clear();
      }
      nanos.add(
          steps < TRIALS ? (double) stepNanos : Math.min((double) stepNanos, OUTLIER * usual));
      tokens.add(stepTokens);
      steps = Math.min(TRIALS, steps + 1);
    }

    double nanosPerToken() {
      return nanos.mean() / tokens.mean();
    }
  }

  private Width width(int rows) {
    return widths[Integer.SIZE - Integer.numberOfLeadingZeros(rows)];
  }

  /// Decides about the next step.
  ///
  /// @param rows sequences that generate
  /// @param isNarrow whether they have it for themselves: prompts beside them make a step so wide
  ///     that a token more costs what it costs later
  void plan(int rows, boolean isNarrow) {
    drafts =
        switch (mode) {
          case ON -> true;
          case OFF -> false;
          case AUTO -> isNarrow && width(rows).prefersDrafts();
        };
  }

  /// Guesses tokens of `sequence`, `most` at most, which then are its drafts.
  void draft(Sequence sequence, int most) {
    if (drafts && sequence.task() instanceof PromptBatch.Generate(SamplingParams params)) {
      // The last token of an output, and of the longest sequence, is sampled and never computed.
      int room =
          Math.min(params.maxTokens() - sequence.generated(), maxPositions - sequence.length()) - 1;
      sequence.draft(Math.min(most, room), recent);
    }
  }

  /// Keeps what `sequence` has said, for others to guess from.
  void remember(Sequence sequence) {
    if (mode != SpeculationMode.OFF && sequence.task() instanceof PromptBatch.Generate) {
      recent.add(sequence);
    }
  }

  /// Learns from a step in which nothing but outputs was computed.
  ///
  /// @param rows its sequences
  /// @param computed its tokens, guessed ones among them
  /// @param sampled tokens that it added to the outputs
  void learn(int rows, int computed, int sampled, long nanos) {
    Width width = width(rows);
    width.steps++;
    (computed > rows ? width.drafted : width.plain).add(nanos, sampled);
  }
}

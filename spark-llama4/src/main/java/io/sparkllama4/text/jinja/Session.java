package io.sparkllama4.text.jinja;

import java.time.Clock;

/// One rendering: what it has used of its limits, and the clock that it may read.
final class Session {
  /// How often the time is looked at.
  private static final int STEPS_PER_LOOK = 4096;

  /// So many characters that are copied, compared or searched count as a step: about as much time.
  private static final int CHARS_PER_STEP_LOG2 = 10;

  /// An element of a list takes as much memory as so many characters.
  private static final int CHARS_PER_ITEM = 16;

  private final Limits limits;
  private final Clock clock;
  private final Shadows shadows;
  private final long deadline;
  private long steps;
  private long nextLook = STEPS_PER_LOOK;
  private long made;
  private int depth;

  Session(Limits limits, Clock clock, Shadows shadows) {
    this.limits = limits;
    this.clock = clock;
    this.shadows = shadows;
    this.deadline = System.nanoTime() + limits.time().toNanos();
  }

  Clock clock() {
    return clock;
  }

  /// Counts one expression, statement or loop pass.
  void step() {
    steps(1);
  }

  /// Counts work on so many characters.
  void work(long chars) {
    steps(chars >> CHARS_PER_STEP_LOG2);
  }

  /// Counts the search for `wanted` in `text`, which at worst compares every character with every
  /// other.
  void search(String text, String wanted) {
    work((long) text.length() * Math.max(1, wanted.length()));
  }

  private void steps(long count) {
    steps += count;
    if (steps > limits.steps()) {
      throw new TemplateException("The template takes more than " + limits.steps() + " steps");
    }
    if (steps >= nextLook) {
      nextLook = steps + STEPS_PER_LOOK;
      if (System.nanoTime() - deadline > 0) {
        throw new TemplateException("The template takes longer than " + limits.time());
      }
    }
  }

  /// Counts characters that are about to be made, before memory is taken.
  void charge(long chars) {
    fit(chars);
    work(chars);
    made += chars;
    if (made > limits.textChars()) {
      throw new TemplateException("The template makes more text than " + limits.textChars());
    }
  }

  /// Counts elements of a list or dict that are about to be made.
  void items(long count) {
    charge(count * CHARS_PER_ITEM);
  }

  /// Checks the length that one text is about to have.
  void fit(long length) {
    if (length > limits.outputChars()) {
      throw new TemplateException(
          "The template makes a text or list longer than " + limits.outputChars());
    }
  }

  /// Counts a text that was made.
  String made(String text) {
    charge(text.length());
    return text;
  }

  /// Goes one level deeper; [#leave] goes back.
  void enter() {
    if (++depth > limits.depth()) {
      throw new TemplateException("The template nests deeper than " + limits.depth() + " levels");
    }
  }

  void leave() {
    depth--;
  }

  /// The text as Python would see it. Everything that compares or searches text asks for this; it
  /// has the length of `text`, so that places found in it hold for `text`.
  String plain(String text) {
    work(text.length());
    return shadows == Shadows.PRESENT ? Shadows.plain(text) : text;
  }

  int plain(int codePoint) {
    return shadows == Shadows.PRESENT ? Shadows.plain(codePoint) : codePoint;
  }
}

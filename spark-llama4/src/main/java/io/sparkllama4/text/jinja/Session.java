package io.sparkllama4.text.jinja;

import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.tree.Node;
import com.hubspot.jinjava.util.ScopeMap;
import java.time.Clock;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;

/// One rendering: its variables, what it has used of its limits, and the clock that it may read.
final class Session {
  /// Under this name the interpreter's own context, which templates cannot see, holds the session.
  static final String KEY = "session";

  /// How often the time is looked at.
  private static final int STEPS_PER_LOOK = 4096;

  /// So many characters that are copied, compared or searched take as long as a step.
  private static final int CHARS_PER_STEP_LOG2 = 10;

  /// An element of a list takes as much memory as so many characters.
  private static final int CHARS_PER_ITEM = 16;

  /// How a loop's pass goes on.
  enum Jump {
    NONE,
    CONTINUE,
    BREAK
  }

  final Clock clock;
  ScopeMap<String, Object> scope;
  Jump jump = Jump.NONE;
  private final IdentityHashMap<Object, Object> headers;
  private final Limits limits;
  private final Shadows shadows;
  private final long deadline;
  private long steps;
  private long nextLook = STEPS_PER_LOOK;
  private long made;
  private int depth;

  Session(
      IdentityHashMap<Object, Object> headers,
      ScopeMap<String, Object> scope,
      Clock clock,
      Limits limits,
      Shadows shadows) {
    this.headers = headers;
    this.scope = scope;
    this.clock = clock;
    this.limits = limits;
    this.shadows = shadows;
    this.deadline = System.nanoTime() + limits.time().toNanos();
  }

  static Session of(JinjavaInterpreter interpreter) {
    return (Session) Objects.requireNonNull(interpreter.getContext().get(KEY));
  }

  /// What was compiled of a node or token when the template was opened.
  Object header(Object node) {
    return Objects.requireNonNull(headers.get(node));
  }

  /// The output of nodes, up to a `break` or `continue`.
  String body(List<Node> nodes, JinjavaInterpreter interpreter) {
    StringBuilder text = new StringBuilder();
    for (Node node : nodes) {
      step();
      text.append(node.render(interpreter).getValue());
      fit(text.length());
      if (jump != Jump.NONE) {
        break;
      }
    }
    return made(text.toString());
  }

  /// What `work` gives with variables of its own, above those of `parent`.
  <T> T within(ScopeMap<String, Object> parent, Supplier<T> work) {
    ScopeMap<String, Object> outer = scope;
    scope = new ScopeMap<>(parent);
    enter();
    try {
      return work.get();
    } finally {
      leave();
      scope = outer;
    }
  }

  /// Counts one expression, statement or loop pass.
  void step() {
    steps(1);
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

  /// Counts the search for `wanted` in `text`, which at worst compares every character with every
  /// other.
  void search(String text, String wanted) {
    steps(((long) text.length() * Math.max(1, wanted.length())) >> CHARS_PER_STEP_LOG2);
  }

  /// Counts characters that are about to be made, before memory is taken.
  void charge(long chars) {
    fit(chars);
    steps(chars >> CHARS_PER_STEP_LOG2);
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
    steps(text.length() >> CHARS_PER_STEP_LOG2);
    return shadows == Shadows.PRESENT ? Shadows.plain(text) : text;
  }

  int plain(int codePoint) {
    return shadows == Shadows.PRESENT ? Shadows.plain(codePoint) : codePoint;
  }
}

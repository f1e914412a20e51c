package io.sparkllama4.text.jinja;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/// The variable `loop`: where a `for` is in its items. It looks ahead only when it is asked to, as
/// jinja2's does, since a lazy sequence may have effects.
final class Loop implements Callable {
  private static final Undefined BEFORE = new Undefined("there is no previous item");
  private static final Undefined BEHIND = new Undefined("there is no next item");

  private final int depth;
  private final Callable recursion;
  private Iterator<Object> items;
  private int length;
  private int index = -1;
  private Object previous = BEFORE;
  private Object current = BEFORE;
  private List<Object> changing = List.of();
  private boolean asked;

  /// @param length how many items there are, -1 where that is to be counted when asked for
  Loop(Iterator<Object> items, int length, int depth, Callable recursion) {
    this.items = items;
    this.length = length;
    this.depth = depth;
    this.recursion = recursion;
  }

  /// Goes to the next item, if there is one.
  boolean advance() {
    if (!items.hasNext()) {
      return false;
    }
    index++;
    previous = current;
    current = items.next();
    return true;
  }

  Object current() {
    return current;
  }

  /// What `loop.name` is.
  Object attribute(Session session, String name) {
    return switch (name) {
      case "index" -> index + 1L;
      case "index0" -> (long) index;
      case "revindex" -> (long) length(session) - index;
      case "revindex0" -> length(session) - index - 1L;
      case "first" -> index == 0;
      case "last" -> !items.hasNext();
      case "length" -> (long) length(session);
      case "depth" -> depth + 1L;
      case "depth0" -> (long) depth;
      case "previtem" -> previous;
      case "nextitem" -> peek();
      case "cycle" -> new Builtin(name, (s, arguments) -> cycle(arguments));
      case "changed" -> new Builtin(name, (s, arguments) -> changed(s, arguments));
      default -> Undefined.attribute(this, name);
    };
  }

  private int length(Session session) {
    if (length < 0) {
      List<Object> rest = Values.list(session, items);
      items = rest.iterator();
      length = index + 1 + rest.size();
    }
    return length;
  }

  private Object peek() {
    if (!items.hasNext()) {
      return BEHIND;
    }
    Object next = items.next();
    Iterator<Object> rest = items;
    items = new Pushed(next, rest);
    return next;
  }

  private Object cycle(Arguments arguments) {
    List<Object> values = arguments.positional();
    if (values.isEmpty()) {
      throw new TemplateException("loop.cycle() needs values");
    }
    return values.get(index % values.size());
  }

  private Object changed(Session session, Arguments arguments) {
    List<Object> values = new ArrayList<>(arguments.positional());
    boolean changed = !asked || !Comparing.equal(session, changing, values);
    asked = true;
    changing = values;
    return changed;
  }

  @Override
  public String name() {
    return "loop";
  }

  @Override
  public Object call(Session session, Arguments arguments) {
    return recursion.call(session, arguments);
  }

  /// A sequence with one item in front.
  private static final class Pushed implements Iterator<Object> {
    private final Object first;
    private final Iterator<Object> rest;
    private boolean taken;

    Pushed(Object first, Iterator<Object> rest) {
      this.first = first;
      this.rest = rest;
    }

    @Override
    public boolean hasNext() {
      return !taken || rest.hasNext();
    }

    @Override
    public Object next() {
      if (taken) {
        return rest.next();
      }
      taken = true;
      return first;
    }
  }
}

package io.sparkllama4.text.jinja;

import java.util.ArrayList;
import java.util.List;

/// The variable `loop`.
final class Loop {
  private final List<Object> items;
  private List<Object> changed = new ArrayList<>();
  private int index = -1;

  Loop(List<Object> items) {
    this.items = items;
  }

  /// Goes to the next item, if there is one.
  boolean advance() {
    index++;
    return index < items.size();
  }

  Object item() {
    return items.get(index);
  }

  Object attribute(Session session, String name) {
    return switch (name) {
      case "index" -> index + 1L;
      case "index0" -> (long) index;
      case "revindex" -> (long) items.size() - index;
      case "revindex0" -> items.size() - index - 1L;
      case "first" -> index == 0;
      case "last" -> index == items.size() - 1;
      case "length" -> (long) items.size();
      case "previtem" -> index == 0 ? Undefined.of(this) : items.get(index - 1);
      case "nextitem" -> index == items.size() - 1 ? Undefined.of(this) : items.get(index + 1);
      case "cycle" ->
          (Callable)
              (s, arguments) -> arguments.positional().get(index % arguments.positional().size());
      case "changed" -> (Callable) (s, arguments) -> changed(s, arguments.positional());
      default -> Undefined.of(this);
    };
  }

  private boolean changed(Session session, List<Object> values) {
    boolean same = Comparing.equal(session, changed, values);
    changed = values;
    return !same;
  }
}

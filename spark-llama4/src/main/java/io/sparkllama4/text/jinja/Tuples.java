package io.sparkllama4.text.jinja;

import java.util.Iterator;

/// A sequence whose items are unpacked and packed again as tuples, as jinja2's loops with a
/// condition and several variables see them.
///
/// @param session the rendering
/// @param items what is unpacked
record Tuples(Session session, Iterator<Object> items) implements Iterator<Object> {
  @Override
  public boolean hasNext() {
    return items.hasNext();
  }

  @Override
  public Object next() {
    return new Tuple(Values.list(session, items.next()));
  }
}

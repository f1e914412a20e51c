package io.sparkllama4.text.jinja;

import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.function.Predicate;

/// Those items of a sequence for which a condition holds, each looked at when it is asked for.
final class Selection implements Iterator<Object> {
  private final Iterator<Object> items;
  private final Predicate<Object> condition;
  private Optional<Object> upcoming = Optional.empty();

  Selection(Iterator<Object> items, Predicate<Object> condition) {
    this.items = items;
    this.condition = condition;
  }

  @Override
  public boolean hasNext() {
    while (upcoming.isEmpty() && items.hasNext()) {
      Object item = items.next();
      if (condition.test(item)) {
        upcoming = Optional.of(item);
      }
    }
    return upcoming.isPresent();
  }

  @Override
  public Object next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    Object item = upcoming.orElseThrow();
    upcoming = Optional.empty();
    return item;
  }
}

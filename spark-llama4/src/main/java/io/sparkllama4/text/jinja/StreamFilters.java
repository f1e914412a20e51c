package io.sparkllama4.text.jinja;

import io.sparkllama4.text.jinja.Arguments.Bound;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/// Filters that give a sequence item by item, as Python's generators do: what comes of them can be
/// gone through once.
final class StreamFilters {
  private StreamFilters() {}

  /// These filters and others.
  static Map<String, Filters.Body> with(Map<String, Filters.Body> others) {
    Map<String, Filters.Body> filters = new HashMap<>(others);
    filters.put("items", SequenceFilters.plain(StreamFilters::items));
    filters.put("map", StreamFilters::map);
    filters.put("select", (s, input, a) -> select(s, input, a, UnaryOperator.identity()));
    filters.put("reject", (s, input, a) -> select(s, input, a, Predicate::negate));
    filters.put("selectattr", (s, input, a) -> selectattr(s, input, a, UnaryOperator.identity()));
    filters.put("rejectattr", (s, input, a) -> selectattr(s, input, a, Predicate::negate));
    filters.put("unique", StreamFilters::unique);
    filters.put("batch", StreamFilters::batch);
    filters.put("slice", StreamFilters::slice);
    return Map.copyOf(filters);
  }

  private static Lazy lazy(Iterator<Object> items) {
    return new Lazy("generator", items);
  }

  private static Object items(Session session, Object input) {
    if (input instanceof Undefined) {
      return lazy(Collections.emptyIterator());
    }
    if (input instanceof Map<?, ?> map) {
      return lazy(ContainerMethods.items(session, map).iterator());
    }
    throw new TemplateException("Can only get item pairs from a mapping.");
  }

  private static Object map(Session session, Object input, Arguments arguments) {
    if (!Values.truth(input)) {
      return lazy(Collections.emptyIterator());
    }
    Function<Object, Object> change;
    if (arguments.positional().isEmpty() && arguments.keywords().containsKey("attribute")) {
      Bound bound = arguments.bind("map", "attribute", "default");
      change =
          Attributes.getter(session, bound.value("attribute"), bound.value("default", None.NONE));
    } else if (!arguments.positional().isEmpty()
        && arguments.positional().getFirst() instanceof String name) {
      // The name may have been computed from a prompt: no complaint may tell it.
      String filter = session.plain(name);
      if (!Filters.known(filter)) {
        throw new TemplateException("map names no filter");
      }
      Arguments rest = arguments.rest();
      change = item -> Filters.apply(session, filter, item, rest);
    } else {
      throw new TemplateException("map requires a filter argument");
    }
    Iterator<Object> items = Values.iterate(input);
    return lazy(
        new Iterator<>() {
          @Override
          public boolean hasNext() {
            return items.hasNext();
          }

          @Override
          public Object next() {
            return change.apply(items.next());
          }
        });
  }

  private static Object select(
      Session session, Object input, Arguments arguments, UnaryOperator<Predicate<Object>> sense) {
    if (!Values.truth(input)) {
      return lazy(Collections.emptyIterator());
    }
    Predicate<Object> condition = sense.apply(condition(session, arguments));
    return lazy(new Selection(Values.iterate(input), condition));
  }

  private static Object selectattr(
      Session session, Object input, Arguments arguments, UnaryOperator<Predicate<Object>> sense) {
    if (!Values.truth(input)) {
      return lazy(Collections.emptyIterator());
    }
    if (arguments.positional().isEmpty()) {
      throw new TemplateException("Missing parameter for attribute name");
    }
    UnaryOperator<Object> getter = Attributes.getter(session, arguments.positional().getFirst());
    Predicate<Object> condition = sense.apply(condition(session, arguments.rest()));
    return lazy(new Selection(Values.iterate(input), item -> condition.test(getter.apply(item))));
  }

  private static Predicate<Object> condition(Session session, Arguments arguments) {
    if (arguments.positional().isEmpty()) {
      return Values::truth;
    }
    if (!(arguments.positional().getFirst() instanceof String name)) {
      throw new TemplateException("A test must be named by a str");
    }
    String test = session.plain(name);
    if (!Tests.known(test)) {
      throw new TemplateException("select or reject names no test");
    }
    Arguments rest = arguments.rest();
    return item -> Tests.apply(session, test, item, rest);
  }

  private static Object unique(Session session, Object input, Arguments arguments) {
    Bound bound = arguments.bind("unique", "case_sensitive", "attribute");
    UnaryOperator<Object> getter = Attributes.getter(session, bound.value("attribute", None.NONE));
    boolean caseSensitive = bound.truth("case_sensitive");
    List<Object> seen = new ArrayList<>();
    return lazy(
        new Selection(
            Values.iterate(input),
            item -> {
              Object key = Values.key(Attributes.ignoreCase(getter.apply(item), caseSensitive));
              boolean known = Comparing.contains(session, seen, key);
              if (!known) {
                seen.add(key);
              }
              return !known;
            }));
  }

  private static Object batch(Session session, Object input, Arguments arguments) {
    Bound bound = arguments.bind("batch", "linecount", "fill_with");
    int size = bound.integer("linecount", 0);
    Object fill = bound.value("fill_with", None.NONE);
    List<Object> batches = new ArrayList<>();
    List<Object> batch = new ArrayList<>();
    for (Object item : Values.list(session, input)) {
      if (batch.size() == size) {
        batches.add(batch);
        batch = new ArrayList<>();
      }
      batch.add(item);
    }
    if (!batch.isEmpty()) {
      session.items(fill == None.NONE ? 0 : Math.max(0, size));
      while (fill != None.NONE && batch.size() < size) {
        batch.add(fill);
      }
      batches.add(batch);
    }
    return lazy(batches.iterator());
  }

  private static Object slice(Session session, Object input, Arguments arguments) {
    Bound bound = arguments.bind("slice", "slices", "fill_with");
    int slices = bound.integer("slices", 0);
    Object fill = bound.value("fill_with", None.NONE);
    List<Object> items = Values.list(session, input);
    if (slices <= 0) {
      throw new TemplateException("slice needs at least one slice");
    }
    session.items(slices);
    List<Object> columns = new ArrayList<>();
    int from = 0;
    for (int i = 0; i < slices; i++) {
      boolean longer = i < items.size() % slices;
      int to = from + items.size() / slices + (longer ? 1 : 0);
      List<Object> column = new ArrayList<>(items.subList(from, to));
      if (fill != None.NONE && !longer) {
        column.add(fill);
      }
      columns.add(column);
      from = to;
    }
    return lazy(columns.iterator());
  }
}

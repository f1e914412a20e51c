package io.sparkllama4.text.jinja;

import io.sparkllama4.text.jinja.Arguments.Bound;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;

/// Filters that look at a whole sequence; [StreamFilters] has those that give one, item by item.
final class SequenceFilters {
  static final Map<String, Filters.Body> FILTERS =
      StreamFilters.with(
          Map.ofEntries(
              Map.entry("count", plain((s, input) -> (long) Values.length(input))),
              Map.entry("length", plain((s, input) -> (long) Values.length(input))),
              Map.entry("list", plain(Values::list)),
              Map.entry("first", plain((s, input) -> first(Values.iterate(input)))),
              Map.entry("last", plain(SequenceFilters::last)),
              Map.entry("join", SequenceFilters::join),
              Map.entry("reverse", plain(SequenceFilters::reverse)),
              Map.entry("sort", SequenceFilters::sort),
              Map.entry("dictsort", SequenceFilters::dictsort),
              Map.entry("groupby", SequenceFilters::groupby),
              Map.entry("sum", SequenceFilters::sum),
              Map.entry("min", (s, input, a) -> extreme(s, input, a, 1)),
              Map.entry("max", (s, input, a) -> extreme(s, input, a, -1))));

  private SequenceFilters() {}

  /// A filter without arguments.
  static Filters.Body plain(BiFunction<Session, Object, Object> change) {
    return (session, input, arguments) -> {
      arguments.bind("filter");
      return change.apply(session, input);
    };
  }

  private static Object first(Iterator<Object> items) {
    return items.hasNext() ? items.next() : new Undefined("No first item, sequence was empty.");
  }

  private static Object last(Session session, Object input) {
    if (input instanceof Lazy) {
      throw new TemplateException("'" + Values.typeName(input) + "' object is not reversible");
    }
    List<Object> items = Values.list(session, input);
    return items.isEmpty() ? new Undefined("No last item, sequence was empty.") : items.getLast();
  }

  private static Object join(Session session, Object input, Arguments arguments) {
    Bound bound = arguments.bind("join", "d", "attribute");
    String separator = Representation.text(session, bound.value("d", ""));
    UnaryOperator<Object> getter = Attributes.getter(session, bound.value("attribute", None.NONE));
    StringBuilder text = new StringBuilder();
    Iterator<Object> items = Values.iterate(input);
    boolean first = true;
    while (items.hasNext()) {
      session.step();
      text.append(first ? "" : separator);
      text.append(Representation.text(session, getter.apply(items.next())));
      session.fit(text.length());
      first = false;
    }
    return session.made(text.toString());
  }

  private static Object reverse(Session session, Object input) {
    if (input instanceof String text) {
      return session.made(
          String.join(
              "", Values.list(session, text).reversed().stream().map(Object::toString).toList()));
    }
    List<Object> items = new ArrayList<>(Values.list(session, input));
    Collections.reverse(items);
    return input instanceof Lazy ? items : new Lazy("list_reverseiterator", items.iterator());
  }

  private static Object sort(Session session, Object input, Arguments arguments) {
    Bound bound = arguments.bind("sort", "reverse", "case_sensitive", "attribute");
    UnaryOperator<Object> key =
        Attributes.keys(
            session, bound.value("attribute", None.NONE), bound.truth("case_sensitive"));
    return sorted(session, Values.list(session, input), key, bound.truth("reverse"));
  }

  private static List<Object> sorted(
      Session session, List<Object> items, UnaryOperator<Object> key, boolean reverse) {
    List<Tuple> keyed = new ArrayList<>(items.size());
    items.forEach(item -> keyed.add(Tuple.of(key.apply(item), item)));
    Comparator<Tuple> order =
        (a, b) -> Comparing.order(session, a.items().getFirst(), b.items().getFirst(), "<");
    keyed.sort(reverse ? order.reversed() : order);
    List<Object> sorted = new ArrayList<>(items.size());
    keyed.forEach(pair -> sorted.add(pair.items().getLast()));
    return sorted;
  }

  private static Object dictsort(Session session, Object input, Arguments arguments) {
    Bound bound = arguments.bind("dictsort", "case_sensitive", "by", "reverse");
    Object by = bound.value("by", "key");
    if (!by.equals("key") && !by.equals("value")) {
      throw new TemplateException("You can only sort by either \"key\" or \"value\"");
    }
    if (!(input instanceof Map<?, ?> map)) {
      throw new TemplateException("dictsort needs a dict, not " + Values.typeName(input));
    }
    boolean caseSensitive = bound.truth("case_sensitive");
    long place = by.equals("key") ? 0L : 1L;
    UnaryOperator<Object> key =
        item -> Attributes.ignoreCase(Lookup.item(session, item, place), caseSensitive);
    return sorted(session, ContainerMethods.items(session, map), key, bound.truth("reverse"));
  }

  private static Object groupby(Session session, Object input, Arguments arguments) {
    Bound bound = arguments.bind("groupby", "attribute", "default", "case_sensitive");
    boolean caseSensitive = bound.truth("case_sensitive");
    UnaryOperator<Object> getter =
        Attributes.getter(session, bound.value("attribute"), bound.value("default", None.NONE));
    UnaryOperator<Object> key = item -> Attributes.ignoreCase(getter.apply(item), caseSensitive);
    List<Object> groups = new ArrayList<>();
    List<Object> group = new ArrayList<>();
    for (Object item : sorted(session, Values.list(session, input), key, false)) {
      boolean same =
          !group.isEmpty()
              && Comparing.equal(session, key.apply(group.getFirst()), key.apply(item));
      if (!same) {
        group = new ArrayList<>();
        groups.add(Tuple.of(getter.apply(item), group));
      }
      group.add(item);
    }
    return groups;
  }

  private static Object sum(Session session, Object input, Arguments arguments) {
    Bound bound = arguments.bind("sum", "attribute", "start");
    UnaryOperator<Object> getter = Attributes.getter(session, bound.value("attribute", None.NONE));
    Object sum = bound.value("start", 0L);
    if (sum instanceof String) {
      throw new TemplateException("sum() can't sum strings");
    }
    Iterator<Object> items = Values.iterate(input);
    while (items.hasNext()) {
      session.step();
      sum = Operators.apply(session, Expression.Operator.ADD, sum, getter.apply(items.next()));
    }
    return sum;
  }

  /// The first of the least; of the greatest where `sign` is negative.
  private static Object extreme(Session session, Object input, Arguments arguments, int sign) {
    Bound bound = arguments.bind("min", "case_sensitive", "attribute");
    UnaryOperator<Object> getter = Attributes.getter(session, bound.value("attribute", None.NONE));
    boolean caseSensitive = bound.truth("case_sensitive");
    UnaryOperator<Object> key = item -> Attributes.ignoreCase(getter.apply(item), caseSensitive);
    Iterator<Object> items = Values.iterate(input);
    if (!items.hasNext()) {
      return new Undefined("No aggregated item, sequence was empty.");
    }
    Object best = items.next();
    while (items.hasNext()) {
      Object item = items.next();
      if (Comparing.order(session, key.apply(item), key.apply(best), "<") * sign < 0) {
        best = item;
      }
    }
    return best;
  }
}

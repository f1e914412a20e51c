package io.sparkllama4.text.jinja;

import io.sparkllama4.text.jinja.Filters.Filter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/// jinja2's filters of sequences.
final class Sequences {
  static final Map<String, Filter> FILTERS = filters();

  private Sequences() {}

  private static Map<String, Filter> filters() {
    Map<String, Filter> filters = new HashMap<>();
    filters.put("length", (s, in, a) -> (long) Values.length(in));
    filters.put("count", (s, in, a) -> (long) Values.length(in));
    filters.put("list", (s, in, a) -> Values.list(s, in));
    filters.put("items", Sequences::items);
    filters.put("first", (s, in, a) -> end(s, in, a, false));
    filters.put("last", (s, in, a) -> end(s, in, a, true));
    filters.put("join", Sequences::join);
    filters.put("reverse", Sequences::reverse);
    filters.put("sort", Sequences::sort);
    filters.put("dictsort", Sequences::dictsort);
    filters.put("groupby", Sequences::groupby);
    filters.put("unique", Sequences::unique);
    filters.put("sum", Sequences::sum);
    filters.put("min", (s, in, a) -> extreme(s, in, a, 1));
    filters.put("max", (s, in, a) -> extreme(s, in, a, -1));
    filters.put("map", Sequences::map);
    filters.put("select", (s, in, a) -> select(s, in, a, false, true));
    filters.put("reject", (s, in, a) -> select(s, in, a, false, false));
    filters.put("selectattr", (s, in, a) -> select(s, in, a, true, true));
    filters.put("rejectattr", (s, in, a) -> select(s, in, a, true, false));
    return filters;
  }

  private static Object items(Session session, Object input, Arguments arguments) {
    arguments.bind();
    return switch (input) {
      case Map<?, ?> map -> Methods.items(session, map).iterator();
      case Undefined undefined -> Collections.emptyIterator();
      default -> throw new TemplateException("Can only get item pairs from a mapping.");
    };
  }

  private static Object end(Session session, Object input, Arguments arguments, boolean last) {
    arguments.bind();
    List<Object> items = Values.list(session, input);
    return items.isEmpty()
        ? new Undefined("No item, the sequence is empty")
        : last ? items.getLast() : items.getFirst();
  }

  private static Object join(Session session, Object input, Arguments arguments) {
    Object[] given = arguments.bind("d", "attribute");
    UnaryOperator<Object> attribute = attribute(session, given[1], new Undefined(""), true);
    List<Object> texts = new ArrayList<>();
    for (Object item : Values.list(session, input)) {
      texts.add(Representation.text(session, attribute.apply(item)));
    }
    return Methods.join(session, Representation.text(session, given[0]), texts);
  }

  private static Object reverse(Session session, Object input, Arguments arguments) {
    arguments.bind();
    return input instanceof String
        ? Lookup.slice(session, input, None.NONE, None.NONE, -1L)
        : Values.list(session, input).reversed().iterator();
  }

  /// What looks an attribute up, a path such as `function.name` or `0.name`; the item itself where
  /// there is none.
  private static UnaryOperator<Object> attribute(
      Session session, Object path, Object otherwise, boolean caseSensitive) {
    List<Object> names = new ArrayList<>();
    if (path instanceof String text) {
      for (String name : text.split("\\.", -1)) {
        names.add(name.matches("[0-9]{1,9}") ? (Object) Long.valueOf(name) : name);
      }
    } else if (!(path instanceof Undefined) && path != None.NONE) {
      names.add(path);
    }
    return item -> {
      Object value = item;
      for (Object name : names) {
        session.step();
        value = Lookup.item(session, value, name);
        value = value instanceof Undefined && !(otherwise instanceof Undefined) ? otherwise : value;
      }
      return value instanceof String text && !caseSensitive ? text.toLowerCase(Locale.ROOT) : value;
    };
  }

  private static UnaryOperator<Object> key(Session session, Object path, Object caseSensitive) {
    return attribute(session, path, new Undefined(""), Values.truth(caseSensitive));
  }

  private static Object sort(Session session, Object input, Arguments arguments) {
    Object[] given = arguments.bind("reverse", "case_sensitive", "attribute");
    if (given[2] instanceof String path && path.contains(",")) {
      throw new TemplateException("sort takes one attribute, not several");
    }
    UnaryOperator<Object> key = key(session, given[2], given[1]);
    return sorted(session, Values.list(session, input), key, Values.truth(given[0]));
  }

  private static List<Object> sorted(
      Session session, List<Object> items, UnaryOperator<Object> key, boolean reverse) {
    Comparator<Object> order = (a, b) -> Comparing.order(session, key.apply(a), key.apply(b));
    items.sort(reverse ? order.reversed() : order);
    return items;
  }

  private static Object dictsort(Session session, Object input, Arguments arguments) {
    Object[] given = arguments.bind("case_sensitive", "by", "reverse");
    if (!(input instanceof Map<?, ?> map)) {
      throw new TemplateException("dictsort needs a dict, not " + Values.typeName(input));
    }
    Object by = Arguments.or(given[1], "key");
    if (!by.equals("key") && !by.equals("value")) {
      throw new TemplateException("You can only sort by either \"key\" or \"value\"");
    }
    UnaryOperator<Object> key = key(session, by.equals("key") ? 0L : 1L, given[0]);
    return sorted(session, Methods.items(session, map), key, Values.truth(given[2]));
  }

  private static Object groupby(Session session, Object input, Arguments arguments) {
    Object[] given = arguments.bind("attribute", "default", "case_sensitive");
    boolean caseSensitive = Values.truth(given[2]);
    UnaryOperator<Object> value = attribute(session, given[0], given[1], true);
    UnaryOperator<Object> key = attribute(session, given[0], given[1], caseSensitive);
    List<Object> groups = new ArrayList<>();
    List<Object> group = new ArrayList<>();
    for (Object item : sorted(session, Values.list(session, input), key, false)) {
      if (group.isEmpty()
          || !Comparing.equal(session, key.apply(group.getFirst()), key.apply(item))) {
        group = new ArrayList<>();
        groups.add(Tuple.of(value.apply(item), group));
      }
      group.add(item);
    }
    return groups;
  }

  private static Object unique(Session session, Object input, Arguments arguments) {
    Object[] given = arguments.bind("case_sensitive", "attribute");
    UnaryOperator<Object> key = key(session, given[1], given[0]);
    List<Object> seen = new ArrayList<>();
    List<Object> unique = Values.list(session, input);
    unique.removeIf(
        item -> {
          Object value = Values.key(key.apply(item));
          boolean known = Comparing.contains(session, seen, value);
          return known || !seen.add(value);
        });
    return unique.iterator();
  }

  private static Object sum(Session session, Object input, Arguments arguments) {
    Object[] given = arguments.bind("attribute", "start");
    UnaryOperator<Object> attribute = attribute(session, given[0], new Undefined(""), true);
    Object sum = Arguments.or(given[1], 0L);
    for (Object item : Values.list(session, input)) {
      sum = Arithmetic.apply(session, "+", sum, attribute.apply(item));
    }
    return sum;
  }

  /// The first of the least; of the greatest where `sign` is negative.
  private static Object extreme(Session session, Object input, Arguments arguments, int sign) {
    Object[] given = arguments.bind("case_sensitive", "attribute");
    UnaryOperator<Object> key = key(session, given[1], given[0]);
    Comparator<Object> order =
        (a, b) -> sign * Comparing.order(session, key.apply(a), key.apply(b));
    List<Object> items = Values.list(session, input);
    return items.isEmpty()
        ? new Undefined("No item, the sequence is empty")
        : Collections.min(items, order);
  }

  private static Object map(Session session, Object input, Arguments arguments) {
    UnaryOperator<Object> change;
    if (arguments.positional().isEmpty()) {
      Object[] given = arguments.bind("attribute", "default");
      if (given[0] instanceof Undefined) {
        throw new TemplateException("map requires a filter argument");
      }
      change = attribute(session, given[0], given[1], true);
    } else {
      String filter = Arguments.text(arguments.positional().getFirst());
      change = item -> Filters.apply(session, filter, item, arguments.rest());
    }
    Iterator<Object> items = Values.iterate(input);
    return new Iterator<Object>() {
      @Override
      public boolean hasNext() {
        return items.hasNext();
      }

      @Override
      public Object next() {
        return change.apply(items.next());
      }
    };
  }

  private static Object select(
      Session session, Object input, Arguments arguments, boolean byAttribute, boolean wanted) {
    if (byAttribute && arguments.positional().isEmpty()) {
      throw new TemplateException("Missing parameter for attribute name");
    }
    Arguments rest = byAttribute ? arguments.rest() : arguments;
    UnaryOperator<Object> value =
        byAttribute
            ? attribute(session, arguments.positional().getFirst(), new Undefined(""), true)
            : UnaryOperator.identity();
    Predicate<Object> test = Values::truth;
    if (!rest.positional().isEmpty()) {
      String name = Arguments.text(rest.positional().getFirst());
      test = item -> Tests.holds(session, name, item, rest.rest());
    }
    List<Object> selected = new ArrayList<>();
    for (Object item : Values.list(session, input)) {
      if (test.test(value.apply(item)) == wanted) {
        selected.add(item);
      }
    }
    return selected.iterator();
  }
}

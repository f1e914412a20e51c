package io.sparkllama4.text.jinja;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/// The filters that a template may use: `value | name(arguments)`.
final class Filters {
  /// What a filter does.
  @FunctionalInterface
  interface Body {
    Object apply(Session session, Object input, Arguments arguments);
  }

  /// Filters of jinja2 that make HTML or random choices; chat templates need none of them.
  private static final Set<String> UNSUPPORTED =
      Set.of(
          "filesizeformat",
          "pprint",
          "random",
          "striptags",
          "urlencode",
          "urlize",
          "wordwrap",
          "xmlattr");

  private static final Map<String, Body> FILTERS = filters();

  private Filters() {}

  private static Map<String, Body> filters() {
    Map<String, Body> filters = new HashMap<>();
    filters.putAll(TextFilters.FILTERS);
    filters.putAll(SequenceFilters.FILTERS);
    filters.putAll(ValueFilters.FILTERS);
    return Map.copyOf(filters);
  }

  /// True for a filter that jinja2 has.
  static boolean known(String name) {
    return FILTERS.containsKey(name) || UNSUPPORTED.contains(name);
  }

  static Object apply(Session session, String name, Object input, Arguments arguments) {
    Body filter = FILTERS.get(name);
    if (filter == null) {
      throw new TemplateException(
          known(name)
              ? "The filter '" + name + "' is not supported here"
              : "No filter named '" + name + "'");
    }
    session.step();
    return filter.apply(session, input, arguments);
  }
}

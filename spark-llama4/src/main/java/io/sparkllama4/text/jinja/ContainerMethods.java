package io.sparkllama4.text.jinja;

import io.sparkllama4.text.jinja.Methods.Method;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The methods of lists, tuples and dicts that change nothing.
final class ContainerMethods {
  static final Map<String, Method<List<?>>> LIST =
      Map.of(
          "copy", (session, self, arguments) -> Values.list(session, self),
          "count", ContainerMethods::count,
          "index", ContainerMethods::index);

  static final Map<String, Method<Map<?, ?>>> DICT =
      Map.of(
          "copy", ContainerMethods::copy,
          "get", ContainerMethods::find,
          "items", (session, self, arguments) -> new DictView("dict_items", items(session, self)),
          "keys", (session, self, arguments) -> keys(session, self),
          "values", (session, self, arguments) -> values(session, self));

  private ContainerMethods() {}

  private static Object count(Session session, List<?> self, Arguments arguments) {
    Object value = arguments.bind("count", "value").value("value");
    return self.stream().filter(item -> Comparing.equal(session, item, value)).count();
  }

  private static Object index(Session session, List<?> self, Arguments arguments) {
    Arguments.Bound bound = arguments.bind("index", "value", "start", "stop");
    int start = TextMethods.place(bound.integer("start", 0), self.size());
    int stop = TextMethods.place(bound.integer("stop", self.size()), self.size());
    for (int i = start; i < stop; i++) {
      if (Comparing.equal(session, self.get(i), bound.value("value"))) {
        return (long) i;
      }
    }
    throw new TemplateException("list.index(x): x not in list");
  }

  private static Object find(Session session, Map<?, ?> self, Arguments arguments) {
    Arguments.Bound bound = arguments.bind("get", "key", "default");
    Object found = Comparing.find(session, self, Values.key(bound.value("key")));
    return found == null ? bound.value("default", None.NONE) : found;
  }

  /// Key and value of every entry.
  static List<Object> items(Session session, Map<?, ?> map) {
    session.items(map.size());
    List<Object> items = new ArrayList<>(map.size());
    map.forEach((key, value) -> items.add(Tuple.of(key, value)));
    return items;
  }

  private static Object copy(Session session, Map<?, ?> self, Arguments arguments) {
    session.items(self.size());
    return new LinkedHashMap<Object, Object>(self);
  }

  private static Object keys(Session session, Map<?, ?> self) {
    session.items(self.size());
    return new DictView("dict_keys", new ArrayList<>(self.keySet()));
  }

  private static Object values(Session session, Map<?, ?> self) {
    session.items(self.size());
    return new DictView("dict_values", new ArrayList<>(self.values()));
  }
}

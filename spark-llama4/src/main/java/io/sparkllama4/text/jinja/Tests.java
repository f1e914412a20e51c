package io.sparkllama4.text.jinja;

import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/// What stands behind `is`.
final class Tests {
  static final Map<String, Test> ALL = all();

  private Tests() {}

  /// A test.
  interface Test {
    boolean holds(Session session, Object input, Object other);
  }

  private static Map<String, Test> all() {
    Map<String, Test> tests = new HashMap<>();
    one(tests, "defined", value -> !(value instanceof Undefined));
    one(tests, "undefined", value -> value instanceof Undefined);
    one(tests, "none", value -> value == None.NONE);
    one(tests, "boolean", value -> value instanceof Boolean);
    one(tests, "true", value -> value.equals(true));
    one(tests, "false", value -> value.equals(false));
    one(tests, "integer", value -> Values.isInteger(value) && !(value instanceof Boolean));
    one(tests, "float", value -> value instanceof Double);
    one(tests, "number", Comparing::isNumber);
    one(tests, "string", value -> value instanceof String);
    one(tests, "mapping", value -> value instanceof Map<?, ?>);
    one(tests, "sequence", Values::hasLength);
    one(tests, "iterable", value -> Values.hasLength(value) || value instanceof Iterator<?>);
    one(tests, "callable", value -> value instanceof Callable);
    one(tests, "odd", value -> (Values.index(value) & 1) == 1);
    one(tests, "even", value -> (Values.index(value) & 1) == 0);
    tests.put("divisibleby", (s, a, b) -> !Values.truth(Arithmetic.apply(s, "%", a, b)));
    tests.put("sameas", Tests::same);
    relation(tests, "in", "in");
    relation(tests, "==", "==", "eq", "equalto");
    relation(tests, "!=", "!=", "ne");
    relation(tests, ">", ">", "gt", "greaterthan");
    relation(tests, ">=", ">=", "ge");
    relation(tests, "<", "<", "lt", "lessthan");
    relation(tests, "<=", "<=", "le");
    return Map.copyOf(tests);
  }

  /// Python compares places in memory here; only constants have one place.
  @SuppressWarnings("ReferenceEquality")
  private static boolean same(Session session, Object a, Object b) {
    return a == b || (a instanceof Boolean && a.equals(b));
  }

  private static void one(Map<String, Test> tests, String name, Predicate<Object> test) {
    tests.put(
        name,
        (s, input, other) -> {
          if (!(other instanceof Undefined)) {
            throw new TemplateException("The test '" + name + "' takes no argument");
          }
          return test.test(input);
        });
  }

  private static void relation(Map<String, Test> tests, String relation, String... names) {
    for (String name : List.of(names)) {
      tests.put(name, (s, input, other) -> Comparing.holds(s, relation, input, other));
    }
  }

  static boolean holds(Session session, String name, Object input, Arguments arguments) {
    Test test = ALL.get(session.plain(name));
    if (test == null) {
      throw new TemplateException("Unknown test; known are " + ALL.keySet());
    }
    session.step();
    return test.holds(session, input, arguments.bind("other")[0]);
  }
}

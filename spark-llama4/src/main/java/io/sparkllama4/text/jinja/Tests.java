package io.sparkllama4.text.jinja;

import io.sparkllama4.text.jinja.Expression.Operator;
import io.sparkllama4.text.jinja.Expression.Relation;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// The tests that a template may use: `value is name(arguments)`.
final class Tests {
  /// What a test asks.
  @FunctionalInterface
  private interface Body {
    boolean holds(Session session, Object input, Arguments arguments);
  }

  private static final Map<String, Body> TESTS = tests();

  private Tests() {}

  private static Map<String, Body> tests() {
    Map<String, Body> tests = new HashMap<>();
    tests.put("defined", (s, input, a) -> !(input instanceof Undefined));
    tests.put("undefined", (s, input, a) -> input instanceof Undefined);
    tests.put("none", (s, input, a) -> input == None.NONE);
    tests.put("boolean", (s, input, a) -> input instanceof Boolean);
    tests.put("true", (s, input, a) -> input.equals(true));
    tests.put("false", (s, input, a) -> input.equals(false));
    tests.put("integer", (s, i, a) -> Values.isInteger(i) && !(i instanceof Boolean));
    tests.put("float", (s, input, a) -> input instanceof Double);
    tests.put("number", (s, input, a) -> Values.isNumber(input));
    tests.put("string", (s, input, a) -> input instanceof String);
    tests.put("mapping", (s, input, a) -> input instanceof Map<?, ?>);
    tests.put("sequence", (s, i, a) -> Values.hasLength(i) && !(i instanceof DictView));
    tests.put("iterable", (s, i, a) -> Values.isIterable(i) || i instanceof Loop);
    tests.put("callable", (s, i, a) -> i instanceof Callable || i instanceof Undefined);
    tests.put("escaped", (s, input, a) -> false);
    tests.put("lower", (s, i, a) -> TextCases.isLower(Representation.text(s, i)));
    tests.put("upper", (s, i, a) -> TextCases.isUpper(Representation.text(s, i)));
    tests.put("odd", (s, input, a) -> remainder(s, input, 2L, 1L));
    tests.put("even", (s, input, a) -> remainder(s, input, 2L, 0L));
    tests.put("divisibleby", (s, i, a) -> remainder(s, i, other(a, "divisibleby"), 0L));
    tests.put("sameas", (s, input, a) -> same(input, other(a, "sameas")));
    tests.put("filter", (s, i, a) -> i instanceof String name && Filters.known(s.plain(name)));
    tests.put("test", (s, i, a) -> i instanceof String name && known(s.plain(name)));
    relation(tests, Relation.IN, "in");
    relation(tests, Relation.EQUAL, "==", "eq", "equalto");
    relation(tests, Relation.NOT_EQUAL, "!=", "ne");
    relation(tests, Relation.GREATER, ">", "gt", "greaterthan");
    relation(tests, Relation.GREATER_OR_EQUAL, ">=", "ge");
    relation(tests, Relation.LESS, "<", "lt", "lessthan");
    relation(tests, Relation.LESS_OR_EQUAL, "<=", "le");
    return Map.copyOf(tests);
  }

  private static void relation(Map<String, Body> tests, Relation relation, String... names) {
    for (String name : List.of(names)) {
      tests.put(name, (s, input, a) -> Comparing.holds(s, relation, input, other(a, name)));
    }
  }

  private static Object other(Arguments arguments, String test) {
    return arguments.bind(test, "other").value("other");
  }

  private static boolean remainder(Session session, Object input, Object divisor, long wanted) {
    Object remainder = Operators.apply(session, Operator.MODULO, input, divisor);
    return Comparing.equal(session, remainder, wanted);
  }

  /// Python compares places in memory here; only constants have one place.
  private static boolean same(Object a, Object b) {
    return Comparing.same(a, b) || (a instanceof Boolean && a.equals(b));
  }

  static boolean known(String name) {
    return TESTS.containsKey(name);
  }

  static boolean apply(Session session, String name, Object input, Arguments arguments) {
    Body test = TESTS.get(name);
    if (test == null) {
      throw new TemplateException("No test named '" + name + "'");
    }
    session.step();
    return test.holds(session, input, arguments);
  }
}

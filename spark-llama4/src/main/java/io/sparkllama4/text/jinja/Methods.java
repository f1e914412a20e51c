package io.sparkllama4.text.jinja;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.BiPredicate;
import java.util.function.IntPredicate;
import java.util.function.UnaryOperator;

/// The methods of Python's texts and dicts. Everything is searched in the plain form of a text and
/// cut from the text itself: see [Shadows].
final class Methods {
  private static final Map<String, Method> TEXT = text();

  private Methods() {}

  private interface Method {
    Object call(Session session, String self, Arguments arguments);
  }

  /// The method `name` of a value, if its type has one.
  static Object of(Session session, Object self, String name) {
    return switch (self) {
      case String text when TEXT.containsKey(name) -> {
        Method method = TEXT.get(name);
        yield (Callable) (s, arguments) -> method.call(s, text, arguments);
      }
      case Map<?, ?> map -> dict(map, name);
      case Loop loop -> loop.attribute(session, name);
      default -> Undefined.of(self);
    };
  }

  private static Object dict(Map<?, ?> map, String name) {
    return switch (name) {
      case "get" -> (Callable) (s, arguments) -> get(s, map, arguments.bind("key", "default"));
      case "items" -> (Callable) (s, arguments) -> new Tuple("dict_items([", items(s, map));
      case "keys" -> (Callable) (s, arguments) -> new Tuple("dict_keys([", Values.list(s, map));
      case "values" ->
          (Callable)
              (s, arguments) ->
                  new Tuple("dict_values([", Values.list(s, new ArrayList<>(map.values())));
      default -> Undefined.of(map);
    };
  }

  private static Object get(Session session, Map<?, ?> map, Object[] given) {
    Object found = Comparing.find(session, map, Values.key(given[0]));
    return found == null ? Arguments.or(given[1], None.NONE) : found;
  }

  /// Key and value of every entry.
  static List<Object> items(Session session, Map<?, ?> map) {
    session.items(map.size());
    List<Object> items = new ArrayList<>(map.size());
    map.forEach((key, value) -> items.add(Tuple.of(key, value)));
    return items;
  }

  private static Map<String, Method> text() {
    Map<String, Method> methods = new HashMap<>();
    change(methods, "upper", text -> text.toUpperCase(Locale.ROOT));
    change(methods, "lower", text -> text.toLowerCase(Locale.ROOT));
    change(methods, "capitalize", Methods::capitalize);
    change(methods, "title", Methods::title);
    is(methods, "isalpha", Character::isLetter);
    is(methods, "isdigit", Character::isDigit);
    is(methods, "isspace", Values::isSpace);
    methods.put("strip", (s, self, a) -> strip(s, self, a, true, true));
    methods.put("lstrip", (s, self, a) -> strip(s, self, a, true, false));
    methods.put("rstrip", (s, self, a) -> strip(s, self, a, false, true));
    methods.put("split", (s, self, a) -> split(s, self, a, false));
    methods.put("rsplit", (s, self, a) -> split(s, self, a, true));
    methods.put("splitlines", (s, self, a) -> lines(s, self, Values.truth(a.bind("keepends")[0])));
    methods.put("partition", Methods::partition);
    methods.put("startswith", (s, self, a) -> affix(s, self, a, String::startsWith));
    methods.put("endswith", (s, self, a) -> affix(s, self, a, String::endsWith));
    methods.put("removeprefix", Methods::removeprefix);
    methods.put("removesuffix", Methods::removesuffix);
    methods.put("replace", Methods::replace);
    methods.put("join", (s, self, a) -> join(s, self, a.bind("items")[0]));
    methods.put("find", Methods::find);
    methods.put("count", Methods::count);
    return Map.copyOf(methods);
  }

  private static void change(
      Map<String, Method> methods, String name, UnaryOperator<String> change) {
    methods.put(name, (s, self, a) -> s.made(change.apply(self)));
  }

  private static void is(Map<String, Method> methods, String name, IntPredicate holds) {
    methods.put(name, (s, self, a) -> !self.isEmpty() && self.codePoints().allMatch(holds));
  }

  /// The first letter as in a title, the rest in lower case.
  static String capitalize(String text) {
    if (text.isEmpty()) {
      return text;
    }
    int first = text.codePointAt(0);
    String upper = Character.toString(first).toUpperCase(Locale.ROOT);
    int title = Character.toTitleCase(first);
    String head =
        title != first || upper.codePointCount(0, upper.length()) == 1
            ? Character.toString(title)
            : upper.charAt(0) + upper.substring(1).toLowerCase(Locale.ROOT);
    // The end of a word changes a sigma, so that the whole text is what gets lowered.
    int lowered = Character.toString(first).toLowerCase(Locale.ROOT).length();
    return head + text.toLowerCase(Locale.ROOT).substring(lowered);
  }

  /// Every run of letters that have a case begins with a capital.
  private static String title(String text) {
    StringBuilder title = new StringBuilder();
    int from = 0;
    while (from < text.length()) {
      int to = from;
      while (to < text.length() && isCased(text.codePointAt(to))) {
        to = text.offsetByCodePoints(to, 1);
      }
      title.append(capitalize(text.substring(from, to)));
      from = to < text.length() ? text.offsetByCodePoints(to, 1) : to;
      title.append(text, to, from);
    }
    return title.toString();
  }

  private static boolean isCased(int c) {
    return Character.isUpperCase(c) || Character.isLowerCase(c) || Character.isTitleCase(c);
  }

  /// The text without white space, or without certain characters, at its start and end.
  static String strip(Session s, String self, Arguments arguments, boolean start, boolean end) {
    Object given = Arguments.or(arguments.bind("chars")[0], None.NONE);
    if (given == None.NONE) {
      return s.made(Values.strip(self, start, end));
    }
    String chars = s.plain(Arguments.text(given));
    int from = 0;
    int to = self.length();
    while (start && from < to && chars.indexOf(s.plain(self.codePointAt(from))) >= 0) {
      from = self.offsetByCodePoints(from, 1);
    }
    while (end && from < to && chars.indexOf(s.plain(self.codePointBefore(to))) >= 0) {
      to = self.offsetByCodePoints(to, -1);
    }
    return s.made(self.substring(from, to));
  }

  private static Object split(Session session, String self, Arguments arguments, boolean fromEnd) {
    Object[] given = arguments.bind("sep", "maxsplit");
    int most = Arguments.integer(given[1], -1);
    int limit = most < 0 ? Integer.MAX_VALUE : most;
    Object separator = Arguments.or(given[0], None.NONE);
    session.items(1L + self.length() / 2);
    if (separator == None.NONE) {
      return words(session, self, limit, fromEnd);
    }
    String wanted = session.plain(Arguments.text(separator));
    if (wanted.isEmpty()) {
      throw new TemplateException("empty separator");
    }
    String plain = session.plain(self);
    session.search(plain, wanted);
    List<Object> parts = new ArrayList<>();
    int from = 0;
    int to = self.length();
    while (parts.size() < limit) {
      int at = fromEnd ? plain.substring(0, to).lastIndexOf(wanted) : plain.indexOf(wanted, from);
      if (at < 0) {
        break;
      }
      session.step();
      parts.add(fromEnd ? self.substring(at + wanted.length(), to) : self.substring(from, at));
      from = fromEnd ? 0 : at + wanted.length();
      to = fromEnd ? at : to;
    }
    parts.add(self.substring(from, to));
    return fromEnd ? new ArrayList<>(parts.reversed()) : parts;
  }

  private static List<Object> words(Session session, String self, int limit, boolean fromEnd) {
    List<Object> words = new ArrayList<>();
    String rest = Values.strip(self, true, true);
    while (!rest.isEmpty() && words.size() < limit) {
      session.charge(rest.length());
      int at = fromEnd ? rest.length() : 0;
      while (fromEnd
          ? at > 0 && !Values.isSpace(rest.charAt(at - 1))
          : at < rest.length() && !Values.isSpace(rest.charAt(at))) {
        at += fromEnd ? -1 : 1;
      }
      words.add(fromEnd ? rest.substring(at) : rest.substring(0, at));
      String left = fromEnd ? rest.substring(0, at) : rest.substring(at);
      rest = Values.strip(left, !fromEnd, fromEnd);
    }
    if (!rest.isEmpty()) {
      // What the limit leaves over keeps the white space at its far side.
      int kept = Values.strip(self, fromEnd, !fromEnd).length();
      String far = fromEnd ? self.substring(0, self.length() - kept) : self.substring(kept);
      words.add(fromEnd ? far + rest : rest + far);
    }
    return fromEnd ? new ArrayList<>(words.reversed()) : words;
  }

  /// The lines of a text, at every character that Python takes for the end of one.
  static List<Object> lines(Session session, String self, boolean keepEnds) {
    session.items(1L + self.length() / 2);
    List<Object> lines = new ArrayList<>();
    int from = 0;
    while (from < self.length()) {
      int to = from;
      while (to < self.length()
          && "\n\u000b\f\r\u001c\u001d\u001e\u0085\u2028\u2029".indexOf(self.charAt(to)) < 0) {
        to++;
      }
      int next = Math.min(to + (self.startsWith("\r\n", to) ? 2 : 1), self.length());
      lines.add(self.substring(from, keepEnds ? next : to));
      from = next;
    }
    return lines;
  }

  private static Object partition(Session session, String self, Arguments arguments) {
    String separator = session.plain(Arguments.text(arguments.bind("sep")[0]));
    if (separator.isEmpty()) {
      throw new TemplateException("empty separator");
    }
    session.search(self, separator);
    int at = session.plain(self).indexOf(separator);
    int behind = at + separator.length();
    return at < 0
        ? Tuple.of(self, "", "")
        : Tuple.of(self.substring(0, at), separator, self.substring(behind));
  }

  private static Object affix(
      Session session, String self, Arguments arguments, BiPredicate<String, String> has) {
    Object affix = arguments.bind("affix")[0];
    String plain = session.plain(self);
    List<Object> affixes = affix instanceof Tuple tuple ? tuple.items() : List.of(affix);
    return affixes.stream().anyMatch(a -> has.test(plain, session.plain(Arguments.text(a))));
  }

  private static Object removeprefix(Session session, String self, Arguments arguments) {
    String prefix = session.plain(Arguments.text(arguments.bind("prefix")[0]));
    return session.plain(self).startsWith(prefix) ? self.substring(prefix.length()) : self;
  }

  private static Object removesuffix(Session session, String self, Arguments arguments) {
    String suffix = session.plain(Arguments.text(arguments.bind("suffix")[0]));
    boolean has = session.plain(self).endsWith(suffix);
    return has ? self.substring(0, self.length() - suffix.length()) : self;
  }

  /// The text with `old` replaced, the first `count` times, or everywhere where that is negative.
  static String replace(Session session, String self, Arguments arguments) {
    Object[] given = arguments.bind("old", "new", "count");
    String wanted = session.plain(Arguments.text(given[0]));
    String with = Arguments.text(given[1]);
    int count = Arguments.integer(given[2], -1);
    if (wanted.isEmpty()) {
      throw new TemplateException("replace() of an empty text is not supported");
    }
    String plain = session.plain(self);
    session.search(plain, wanted);
    StringBuilder text = new StringBuilder();
    int from = 0;
    for (int at = plain.indexOf(wanted); at >= 0 && count != 0; count--) {
      session.step();
      session.fit(0L + text.length() + with.length());
      text.append(self, from, at).append(with);
      from = at + wanted.length();
      at = plain.indexOf(wanted, from);
    }
    return session.made(text.append(self, from, self.length()).toString());
  }

  static String join(Session session, String self, Object items) {
    StringBuilder text = new StringBuilder();
    Iterator<Object> parts = Values.iterate(items);
    while (parts.hasNext()) {
      session.step();
      text.append(Arguments.text(parts.next())).append(parts.hasNext() ? self : "");
      session.fit(text.length());
    }
    return session.made(text.toString());
  }

  private static Object find(Session session, String self, Arguments arguments) {
    String wanted = session.plain(Arguments.text(arguments.bind("sub")[0]));
    session.search(self, wanted);
    int at = session.plain(self).indexOf(wanted);
    return at < 0 ? -1L : (long) self.codePointCount(0, at);
  }

  private static Object count(Session session, String self, Arguments arguments) {
    Arguments separator = new Arguments(List.of(arguments.bind("sub")[0]), Map.of());
    return ((List<?>) split(session, self, separator, false)).size() - 1L;
  }
}

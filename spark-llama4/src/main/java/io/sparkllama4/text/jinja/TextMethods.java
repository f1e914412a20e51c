package io.sparkllama4.text.jinja;

import io.sparkllama4.text.jinja.Arguments.Bound;
import io.sparkllama4.text.jinja.Methods.Method;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiPredicate;

/// The methods of text that search, cut and replace; [TextCases] has the others. Everything is
/// searched in the plain form of a text and cut from the text itself: see [Shadows].
final class TextMethods {
  static final Map<String, Method<String>> METHODS = methods();

  private TextMethods() {}

  private static Map<String, Method<String>> methods() {
    Map<String, Method<String>> methods = new HashMap<>(TextCases.METHODS);
    methods.put("strip", (s, self, a) -> strip(s, self, a, "strip"));
    methods.put("lstrip", (s, self, a) -> strip(s, self, a, "lstrip"));
    methods.put("rstrip", (s, self, a) -> strip(s, self, a, "rstrip"));
    methods.put("split", (s, self, a) -> split(s, self, a, "split"));
    methods.put("rsplit", (s, self, a) -> split(s, self, a, "rsplit"));
    methods.put("splitlines", TextMethods::splitlines);
    methods.put("partition", TextMethods::partition);
    methods.put("rpartition", TextMethods::rpartition);
    methods.put("startswith", (s, self, a) -> affix(s, self, a, "startswith", String::startsWith));
    methods.put("endswith", (s, self, a) -> affix(s, self, a, "endswith", String::endsWith));
    methods.put("removeprefix", TextMethods::removeprefix);
    methods.put("removesuffix", TextMethods::removesuffix);
    methods.put("replace", TextMethods::replace);
    methods.put("join", TextMethods::join);
    methods.put("find", (s, self, a) -> find(s, self, a, "find"));
    methods.put("rfind", (s, self, a) -> find(s, self, a, "rfind"));
    methods.put("index", (s, self, a) -> index(s, self, a, "find"));
    methods.put("rindex", (s, self, a) -> index(s, self, a, "rfind"));
    methods.put("count", TextMethods::count);
    methods.put("format", (s, self, a) -> s.made(BraceFormat.text(s, self, a)));
    methods.put("format_map", TextMethods::formatMap);
    return Map.copyOf(methods);
  }

  private static Object strip(Session session, String self, Arguments arguments, String name) {
    Optional<String> chars = arguments.bind(name, "chars").textOrNone("chars");
    return strip(session, self, chars, !name.equals("rstrip"), !name.equals("lstrip"));
  }

  /// The text without white space, or without certain characters, at its start and end.
  static String strip(
      Session session, String self, Optional<String> chars, boolean start, boolean end) {
    Optional<String> plain = chars.map(session::plain);
    int from = 0;
    int to = self.length();
    while (start && from < to) {
      int c = session.plain(self.codePointAt(from));
      if (!isStripped(c, plain)) {
        break;
      }
      from += Character.charCount(c);
    }
    while (end && from < to) {
      int c = session.plain(self.codePointBefore(to));
      if (!isStripped(c, plain)) {
        break;
      }
      to -= Character.charCount(c);
    }
    return session.made(self.substring(from, to));
  }

  private static boolean isStripped(int c, Optional<String> chars) {
    return chars.map(text -> text.indexOf(c) >= 0).orElseGet(() -> Characters.isSpace(c));
  }

  private static Object split(Session session, String self, Arguments arguments, String name) {
    Bound bound = arguments.bind(name, "sep", "maxsplit");
    int most = bound.integer("maxsplit", -1);
    int splits = most < 0 ? Integer.MAX_VALUE : most;
    boolean fromEnd = name.equals("rsplit");
    session.made(self);
    Optional<String> separator = bound.textOrNone("sep").map(session::plain);
    if (separator.isPresent()) {
      if (separator.get().isEmpty()) {
        throw new TemplateException("empty separator");
      }
      return fromEnd
          ? fromEnd(session, self, separator.get(), splits)
          : fromStart(session, self, separator.get(), splits);
    }
    return fromEnd ? wordsFromEnd(session, self, splits) : wordsFromStart(session, self, splits);
  }

  private static List<Object> fromStart(Session session, String self, String separator, int most) {
    String plain = session.plain(self);
    session.search(plain, separator);
    List<Object> parts = new ArrayList<>();
    int from = 0;
    int at = plain.indexOf(separator);
    while (at >= 0 && parts.size() < most) {
      session.items(1);
      parts.add(self.substring(from, at));
      from = at + separator.length();
      at = plain.indexOf(separator, from);
    }
    parts.add(self.substring(from));
    return parts;
  }

  private static List<Object> fromEnd(Session session, String self, String separator, int most) {
    String plain = session.plain(self);
    session.search(plain, separator);
    List<Object> parts = new ArrayList<>();
    int to = plain.length();
    int at = plain.lastIndexOf(separator);
    while (at >= 0 && parts.size() < most) {
      session.items(1);
      parts.add(self.substring(at + separator.length(), to));
      to = at;
      at = at < separator.length() ? -1 : plain.lastIndexOf(separator, at - separator.length());
    }
    parts.add(self.substring(0, to));
    return parts.reversed();
  }

  private static List<Object> wordsFromStart(Session session, String self, int most) {
    List<Object> words = new ArrayList<>();
    int from = Characters.skipSpace(self, 0);
    while (from < self.length()) {
      session.items(1);
      if (words.size() == most) {
        words.add(self.substring(from));
        break;
      }
      int to = from;
      while (to < self.length() && !Characters.isSpace(self.charAt(to))) {
        to++;
      }
      words.add(self.substring(from, to));
      from = Characters.skipSpace(self, to);
    }
    return words;
  }

  private static List<Object> wordsFromEnd(Session session, String self, int most) {
    List<Object> words = new ArrayList<>();
    int to = Characters.stripEnd(self).length();
    while (to > 0) {
      session.items(1);
      if (words.size() == most) {
        words.add(self.substring(0, to));
        break;
      }
      int from = to;
      while (from > 0 && !Characters.isSpace(self.charAt(from - 1))) {
        from--;
      }
      words.add(self.substring(from, to));
      to = from;
      while (to > 0 && Characters.isSpace(self.charAt(to - 1))) {
        to--;
      }
    }
    return words.reversed();
  }

  private static Object splitlines(Session session, String self, Arguments arguments) {
    boolean keep = arguments.bind("splitlines", "keepends").truth("keepends");
    return lines(session, self, keep ? 1 : 0);
  }

  /// The lines of a text, at every character that Python takes for the end of one.
  ///
  /// @param ends how many of the two, the line and its end, are kept besides the line: 0 or 1
  static List<Object> lines(Session session, String self, int ends) {
    session.made(self);
    List<Object> lines = new ArrayList<>();
    int from = 0;
    while (from < self.length()) {
      session.items(1);
      int to = from;
      while (to < self.length() && !isLineEnd(self.charAt(to))) {
        to++;
      }
      int next = Math.min(to + (self.startsWith("\r\n", to) ? 2 : 1), self.length());
      lines.add(self.substring(from, ends == 0 ? to : next));
      from = next;
    }
    return lines;
  }

  private static boolean isLineEnd(char c) {
    return (c >= '\n' && c <= '\r')
        || (c >= 0x1c && c <= 0x1e)
        || c == 0x85
        || c == 0x2028
        || c == 0x2029;
  }

  private static Object partition(Session session, String self, Arguments arguments) {
    String separator = separator(arguments, "partition");
    session.search(self, separator);
    int at = session.plain(self).indexOf(session.plain(separator));
    return at < 0 ? Tuple.of(self, "", "") : parts(self, at, separator);
  }

  private static Object rpartition(Session session, String self, Arguments arguments) {
    String separator = separator(arguments, "rpartition");
    session.search(self, separator);
    int at = session.plain(self).lastIndexOf(session.plain(separator));
    return at < 0 ? Tuple.of("", "", self) : parts(self, at, separator);
  }

  private static String separator(Arguments arguments, String name) {
    String separator = arguments.bind(name, "sep").text("sep");
    if (separator.isEmpty()) {
      throw new TemplateException("empty separator");
    }
    return separator;
  }

  private static Tuple parts(String self, int at, String separator) {
    int behind = at + separator.length();
    return Tuple.of(self.substring(0, at), separator, self.substring(behind));
  }

  private static Object affix(
      Session session,
      String self,
      Arguments arguments,
      String name,
      BiPredicate<String, String> has) {
    Bound bound = arguments.bind(name, "affix", "start", "end");
    Optional<String> part = range(session, self, bound);
    Object affix = bound.value("affix");
    Iterator<Object> affixes =
        affix instanceof Tuple(var items) ? items.iterator() : List.of(affix).iterator();
    boolean found = false;
    while (affixes.hasNext()) {
      if (!(affixes.next() instanceof String one)) {
        throw new TemplateException(name + "() needs a str or a tuple of str");
      }
      found = found || part.filter(text -> has.test(text, session.plain(one))).isPresent();
    }
    return found;
  }

  /// The plain text between `start` and `end`; none where `start` lies behind the text.
  private static Optional<String> range(Session session, String self, Bound bound) {
    int length = Characters.length(self);
    int start = place(bound.integer("start", 0), Integer.MAX_VALUE, length);
    int end = place(bound.integer("end", length), length, length);
    if (start > end) {
      return Optional.empty();
    }
    return Optional.of(
        session
            .plain(self)
            .substring(Characters.offset(self, start), Characters.offset(self, end)));
  }

  private static int place(int index, int most, int length) {
    return Math.clamp(index < 0 ? (long) index + length : index, 0, most);
  }

  /// The place of an index that may count from the end, within 0 and `length`.
  static int place(int index, int length) {
    return place(index, length, length);
  }

  private static Object removeprefix(Session session, String self, Arguments arguments) {
    String prefix = session.plain(arguments.bind("removeprefix", "prefix").text("prefix"));
    return session.plain(self).startsWith(prefix) ? self.substring(prefix.length()) : self;
  }

  private static Object removesuffix(Session session, String self, Arguments arguments) {
    String suffix = session.plain(arguments.bind("removesuffix", "suffix").text("suffix"));
    return session.plain(self).endsWith(suffix)
        ? self.substring(0, self.length() - suffix.length())
        : self;
  }

  private static Object replace(Session session, String self, Arguments arguments) {
    Bound bound = arguments.bind("replace", "old", "new", "count");
    int count = bound.integer("count", -1);
    return replace(session, self, bound.text("old"), bound.text("new"), count);
  }

  /// The text with `old` replaced, the first `count` times, or everywhere where that is negative.
  static String replace(Session session, String self, String old, String with, int count) {
    String plain = session.plain(self);
    String wanted = session.plain(old);
    session.search(plain, wanted);
    StringBuilder text = new StringBuilder();
    int from = 0;
    int done = 0;
    int at = plain.indexOf(wanted);
    while (at >= 0 && (count < 0 || done < count)) {
      session.step();
      session.fit(0L + text.length() + with.length());
      text.append(self, from, at).append(with);
      from = at;
      if (wanted.isEmpty()) {
        if (at == plain.length()) {
          break;
        }
        int next = self.offsetByCodePoints(at, 1);
        text.append(self, at, next);
        from = next;
        at = next;
      } else {
        from = at + wanted.length();
        at = plain.indexOf(wanted, from);
      }
      done++;
    }
    text.append(self, from, self.length());
    return session.made(text.toString());
  }

  private static Object join(Session session, String self, Arguments arguments) {
    Iterator<Object> items = Values.iterate(arguments.bind("join", "items").value("items"));
    StringBuilder text = new StringBuilder();
    boolean first = true;
    while (items.hasNext()) {
      session.step();
      if (!(items.next() instanceof String item)) {
        throw new TemplateException("join() needs str instances");
      }
      text.append(first ? "" : self).append(item);
      session.fit(text.length());
      first = false;
    }
    return session.made(text.toString());
  }

  private static long find(Session session, String self, Arguments arguments, String name) {
    Bound bound = arguments.bind(name, "sub", "start", "end");
    String wanted = session.plain(bound.text("sub"));
    session.search(self, wanted);
    Optional<String> part = range(session, self, bound);
    int at =
        part.map(text -> name.equals("find") ? text.indexOf(wanted) : text.lastIndexOf(wanted))
            .orElse(-1);
    if (at < 0) {
      return -1;
    }
    int length = Characters.length(self);
    int start = place(bound.integer("start", 0), length);
    return start + (long) part.orElseThrow().codePointCount(0, at);
  }

  private static Object index(Session session, String self, Arguments arguments, String name) {
    long at = find(session, self, arguments, name);
    if (at < 0) {
      throw new TemplateException("substring not found");
    }
    return at;
  }

  private static Object count(Session session, String self, Arguments arguments) {
    Bound bound = arguments.bind("count", "sub", "start", "end");
    String wanted = session.plain(bound.text("sub"));
    session.search(self, wanted);
    String part = range(session, self, bound).orElse("");
    if (wanted.isEmpty()) {
      return Characters.length(part) + 1L;
    }
    long count = 0;
    for (int at = part.indexOf(wanted); at >= 0; at = part.indexOf(wanted, at + wanted.length())) {
      session.step();
      count++;
    }
    return count;
  }

  private static Object formatMap(Session session, String self, Arguments arguments) {
    Object mapping = arguments.bind("format_map", "mapping").value("mapping");
    if (!(mapping instanceof Map<?, ?> map)) {
      throw new TemplateException("format_map() needs a mapping");
    }
    Map<String, Object> keywords = new HashMap<>();
    map.forEach((key, value) -> keywords.put(Representation.text(session, key), value));
    return session.made(BraceFormat.text(session, self, new Arguments(List.of(), keywords)));
  }
}

package io.sparkllama4.text.jinja;

import io.sparkllama4.text.jinja.Arguments.Bound;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.UnaryOperator;

/// Filters that make text. What is no text is printed first, as jinja2 does.
final class TextFilters {
  static final Map<String, Filters.Body> FILTERS =
      Map.ofEntries(
          Map.entry("capitalize", change(TextCases::capitalize)),
          Map.entry("center", TextFilters::center),
          Map.entry("e", TextFilters::escape),
          Map.entry("escape", TextFilters::escape),
          Map.entry("forceescape", TextFilters::escape),
          Map.entry("format", TextFilters::format),
          Map.entry("indent", TextFilters::indent),
          Map.entry("lower", change(TextCases::lower)),
          Map.entry("replace", TextFilters::replace),
          Map.entry("safe", change(UnaryOperator.identity())),
          Map.entry("string", change(UnaryOperator.identity())),
          Map.entry("title", TextFilters::title),
          Map.entry("trim", TextFilters::trim),
          Map.entry("truncate", TextFilters::truncate),
          Map.entry("upper", change(text -> text.toUpperCase(Locale.ROOT))),
          Map.entry("wordcount", TextFilters::words));

  private TextFilters() {}

  private static Filters.Body change(UnaryOperator<String> change) {
    return (session, input, arguments) -> {
      arguments.bind("filter");
      return session.made(change.apply(Representation.text(session, input)));
    };
  }

  private static Object center(Session session, Object input, Arguments arguments) {
    int width = arguments.bind("center", "width").integer("width", 80);
    return TextCases.pad(session, Representation.text(session, input), width, " ", "center");
  }

  private static Object escape(Session session, Object input, Arguments arguments) {
    arguments.bind("escape");
    StringBuilder escaped = new StringBuilder();
    Representation.text(session, input)
        .codePoints()
        .forEach(
            shown -> {
              switch (session.plain(shown)) {
                case '&' -> escaped.append("&amp;");
                case '<' -> escaped.append("&lt;");
                case '>' -> escaped.append("&gt;");
                case '"' -> escaped.append("&#34;");
                case '\'' -> escaped.append("&#39;");
                default -> escaped.appendCodePoint(shown);
              }
            });
    return session.made(escaped.toString());
  }

  private static Object format(Session session, Object input, Arguments arguments) {
    if (!arguments.positional().isEmpty() && !arguments.keywords().isEmpty()) {
      throw new TemplateException("format() takes values by place or by name, not both");
    }
    Object values =
        arguments.keywords().isEmpty()
            ? new Tuple(arguments.positional())
            : new LinkedHashMap<Object, Object>(arguments.keywords());
    String format = Representation.text(session, input);
    return session.made(new PercentFormat(session, format, values).text());
  }

  private static Object indent(Session session, Object input, Arguments arguments) {
    Bound bound = arguments.bind("indent", "width", "first", "blank");
    if (!(input instanceof String text)) {
      throw new TemplateException("indent needs a str, not " + Values.typeName(input));
    }
    String by =
        bound.value("width", 4L) instanceof String given
            ? given
            : TextCases.pad(session, "", bound.integer("width", 4), " ", "ljust");
    StringBuilder indented = new StringBuilder();
    List<Object> lines = TextMethods.lines(session, text + "\n", 0);
    for (int i = 0; i < lines.size(); i++) {
      String line = (String) lines.get(i);
      boolean indent = i == 0 ? bound.truth("first") : bound.truth("blank") || !line.isEmpty();
      session.fit(0L + indented.length() + by.length() + line.length());
      indented.append(i == 0 ? "" : "\n").append(indent ? by : "").append(line);
    }
    return session.made(indented.toString());
  }

  private static Object replace(Session session, Object input, Arguments arguments) {
    Bound bound = arguments.bind("replace", "old", "new", "count");
    return TextMethods.replace(
        session,
        Representation.text(session, input),
        Representation.text(session, bound.value("old")),
        Representation.text(session, bound.value("new")),
        bound.integer("count", -1));
  }

  /// Unlike the method of the same name, begins a word behind white space, `-` and brackets only.
  private static Object title(Session session, Object input, Arguments arguments) {
    arguments.bind("title");
    String text = Representation.text(session, input);
    StringBuilder title = new StringBuilder();
    int from = 0;
    while (from < text.length()) {
      boolean border = isBorder(session.plain(text.codePointAt(from)));
      int to = from;
      while (to < text.length() && isBorder(session.plain(text.codePointAt(to))) == border) {
        to = text.offsetByCodePoints(to, 1);
      }
      int first = text.offsetByCodePoints(from, 1);
      title.append(text.substring(from, first).toUpperCase(Locale.ROOT));
      title.append(TextCases.lower(text.substring(first, to)));
      from = to;
    }
    return session.made(title.toString());
  }

  private static boolean isBorder(int c) {
    return Characters.isSpace(c) || "-({[<".indexOf(c) >= 0;
  }

  private static Object trim(Session session, Object input, Arguments arguments) {
    return TextMethods.strip(
        session,
        Representation.text(session, input),
        arguments.bind("trim", "chars").textOrNone("chars"),
        true,
        true);
  }

  private static Object truncate(Session session, Object input, Arguments arguments) {
    Bound bound = arguments.bind("truncate", "length", "killwords", "end", "leeway");
    if (!(input instanceof String text)) {
      throw new TemplateException("truncate needs a str, not " + Values.typeName(input));
    }
    int length = bound.integer("length", 255);
    String end = bound.textOrNone("end").orElse("...");
    int kept = length - Characters.length(end);
    if (kept < 0) {
      throw new TemplateException("truncate needs a length that holds its end");
    }
    if (Characters.length(text) <= (long) length + bound.integer("leeway", 5)) {
      return text;
    }
    String cut = text.substring(0, Characters.offset(text, kept));
    int space = cut.lastIndexOf(' ');
    boolean whole = bound.truth("killwords") || space < 0;
    return session.made((whole ? cut : cut.substring(0, space)) + end);
  }

  private static Object words(Session session, Object input, Arguments arguments) {
    arguments.bind("wordcount");
    long words = 0;
    boolean inside = false;
    for (int c : session.plain(Representation.text(session, input)).codePoints().toArray()) {
      boolean word = c == '_' || TextCases.isAlphanumeric(c);
      words += word && !inside ? 1 : 0;
      inside = word;
    }
    return words;
  }
}

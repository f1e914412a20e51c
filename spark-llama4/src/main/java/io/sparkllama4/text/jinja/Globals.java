package io.sparkllama4.text.jinja;

import io.sparkllama4.text.jinja.Arguments.Bound;
import java.time.ZonedDateTime;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The functions that every chat template can call.
final class Globals {
  static final Map<String, Object> FUNCTIONS =
      Map.of(
          "raise_exception", new Builtin("raise_exception", Globals::raise),
          "strftime_now", new Builtin("strftime_now", Globals::now),
          "range", new Builtin("range", Globals::range),
          "cycler", unsupported("cycler"),
          "joiner", unsupported("joiner"),
          "lipsum", unsupported("lipsum"),
          "dict", new Builtin("dict", (session, arguments) -> dict(session, arguments)),
          "namespace",
              new Builtin(
                  "namespace", (session, arguments) -> namespace(dict(session, arguments))));

  private Globals() {}

  /// What jinja2 has and no chat template needs.
  private static Builtin unsupported(String name) {
    return new Builtin(
        name,
        (session, arguments) -> {
          throw new TemplateException("The function '" + name + "' is not supported here");
        });
  }

  private static Object raise(Session session, Arguments arguments) {
    Object message = arguments.bind("raise_exception", "message").value("message");
    throw new TemplateException(Representation.text(session, message));
  }

  private static Object now(Session session, Arguments arguments) {
    String format = arguments.bind("strftime_now", "format").text("format");
    return session.made(Strftime.text(session.plain(format), ZonedDateTime.now(session.clock())));
  }

  private static Object range(Session session, Arguments arguments) {
    Bound bound = arguments.bind("range", "start", "stop", "step");
    List<Object> given = arguments.positional();
    if (given.isEmpty() || !arguments.keywords().isEmpty()) {
      throw new TemplateException("range() takes 1 to 3 integers");
    }
    return given.size() == 1
        ? new Span(0, bound.integer("start", 0), 1)
        : new Span(bound.integer("start", 0), bound.integer("stop", 0), bound.integer("step", 1));
  }

  private static Map<Object, Object> dict(Session session, Arguments arguments) {
    Map<Object, Object> dict = new LinkedHashMap<>();
    if (arguments.positional().size() > 1) {
      throw new TemplateException("dict expected at most 1 argument");
    }
    for (Object given : arguments.positional()) {
      if (given instanceof Map<?, ?> map) {
        dict.putAll(map);
      } else {
        for (Object item : Values.list(session, given)) {
          List<Object> pair = Values.list(session, item);
          if (pair.size() != 2) {
            throw new TemplateException("dict() needs pairs");
          }
          dict.put(Values.key(pair.getFirst()), pair.getLast());
        }
      }
    }
    dict.putAll(arguments.keywords());
    session.items(dict.size());
    return dict;
  }

  private static Namespace namespace(Map<Object, Object> attributes) {
    Namespace namespace = new Namespace(new LinkedHashMap<>());
    attributes.forEach((name, value) -> namespace.set(String.valueOf(name), value));
    return namespace;
  }
}

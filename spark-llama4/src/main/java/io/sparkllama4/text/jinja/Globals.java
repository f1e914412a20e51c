package io.sparkllama4.text.jinja;

import java.time.ZonedDateTime;
import java.util.LinkedHashMap;
import java.util.Map;

/// The functions that every chat template can call.
final class Globals {
  static final Map<String, Callable> FUNCTIONS =
      Map.of(
          "raise_exception", Globals::raise,
          "strftime_now", Globals::now,
          "range", Globals::range,
          "dict", (session, arguments) -> new LinkedHashMap<Object, Object>(arguments.keywords()),
          "namespace", (session, arguments) -> Namespace.of(arguments.keywords()));

  private Globals() {}

  private static Object raise(Session session, Arguments arguments) {
    Object message = arguments.bind("message")[0];
    throw new TemplateException(Shadows.plain(Representation.text(session, message)));
  }

  private static Object now(Session session, Arguments arguments) {
    String format = session.plain(Arguments.text(arguments.bind("format")[0]));
    return session.made(Strftime.text(format, ZonedDateTime.now(session.clock)));
  }

  private static Object range(Session session, Arguments arguments) {
    Object[] given = arguments.bind("start", "stop", "step");
    int first = Values.index(given[0]);
    int step = Arguments.integer(given[2], 1);
    Span span =
        given[1] instanceof Undefined
            ? new Span(0, first, 1)
            : new Span(first, Values.index(given[1]), step);
    session.items(span.size());
    return span;
  }
}

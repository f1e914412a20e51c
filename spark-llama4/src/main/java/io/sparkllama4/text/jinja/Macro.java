package io.sparkllama4.text.jinja;

import io.sparkllama4.text.jinja.Statement.MacroBody;
import io.sparkllama4.text.jinja.Statement.Parameter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// A macro, or the body of a `call` block, with the variables that it sees where it stands.
final class Macro implements Callable {
  private final MacroBody body;
  private final Scope scope;
  private final Renderer renderer;

  Macro(MacroBody body, Scope scope, Renderer renderer) {
    this.body = body;
    this.scope = scope;
    this.renderer = renderer;
  }

  @Override
  public String name() {
    return body.name();
  }

  @Override
  public Object call(Session session, Arguments arguments) {
    Scope inner = scope.inner();
    Map<String, Object> keywords = new LinkedHashMap<>(arguments.keywords());
    int index = 0;
    for (Parameter parameter : body.parameters()) {
      inner.set(parameter.name(), argument(parameter, index, arguments, keywords, inner));
      index++;
    }
    specials(arguments, keywords, inner);
    return renderer.capture(body.body(), inner);
  }

  private Object argument(
      Parameter parameter,
      int index,
      Arguments arguments,
      Map<String, Object> keywords,
      Scope inner) {
    if (index < arguments.positional().size()) {
      return arguments.positional().get(index);
    }
    Object named = keywords.remove(parameter.name());
    if (named != null) {
      return named;
    }
    return parameter.defaults().isEmpty()
        ? new Undefined("parameter '" + parameter.name() + "' was not provided")
        : renderer.evaluator().value(parameter.defaults().getFirst(), inner);
  }

  private void specials(Arguments arguments, Map<String, Object> keywords, Scope inner) {
    if (body.specials().contains("caller")) {
      Object caller = keywords.remove("caller");
      inner.set("caller", caller == null ? new Undefined("No caller defined") : caller);
    }
    if (body.specials().contains("kwargs")) {
      inner.set("kwargs", new LinkedHashMap<Object, Object>(keywords));
    } else if (!keywords.isEmpty()) {
      throw new TemplateException("macro '" + name() + "' got an unexpected keyword argument");
    }
    int taken = body.parameters().size();
    List<Object> positional = arguments.positional();
    if (body.specials().contains("varargs")) {
      int from = Math.min(taken, positional.size());
      inner.set("varargs", new Tuple(positional.subList(from, positional.size())));
    } else if (positional.size() > taken) {
      throw new TemplateException(
          "macro '" + name() + "' takes not more than " + taken + " argument(s)");
    }
  }
}

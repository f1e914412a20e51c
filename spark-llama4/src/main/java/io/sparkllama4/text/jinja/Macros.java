package io.sparkllama4.text.jinja;

import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.tree.TagNode;
import com.hubspot.jinjava.util.ScopeMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/// Macros, and calls that hand one over.
final class Macros {
  private Macros() {}

  /// A macro's name, its parameters with their defaults, and what it takes besides.
  record MacroHeader(String name, Map<String, Expression> parameters, Set<String> extras) {
    private static final List<String> EXTRAS = List.of("varargs", "kwargs", "caller");

    static MacroHeader of(String name, Map<String, Expression> parameters, TagNode node) {
      // What the body does not name, a call must not pass.
      String body = node.reconstructImage();
      return new MacroHeader(
          name, parameters, EXTRAS.stream().filter(body::contains).collect(Collectors.toSet()));
    }

    static Map<String, Expression> parameters(Grammar grammar) {
      Map<String, Expression> parameters = new LinkedHashMap<>();
      grammar.expect("(");
      while (!grammar.at(")")) {
        String parameter = grammar.name();
        Undefined missing = new Undefined("parameter '" + parameter + "' was not provided");
        parameters.put(parameter, grammar.take("=") ? grammar.expression() : s -> missing);
        if (!grammar.take(",")) {
          break;
        }
      }
      grammar.expect(")");
      return parameters;
    }

    /// The macro, which sees the variables of the place where it stands.
    Callable macro(TagNode node, Session defining, JinjavaInterpreter interpreter) {
      ScopeMap<String, Object> definition = defining.scope;
      return (session, arguments) ->
          session.within(
              definition,
              () -> {
                bind(session, arguments);
                return session.body(node.getChildren(), interpreter);
              });
    }

    private void bind(Session session, Arguments given) {
      List<Object> positional = given.positional();
      Map<String, Object> keywords = new LinkedHashMap<>(given.keywords());
      int taken = Math.min(positional.size(), parameters.size());
      if (extras.contains("varargs")) {
        List<Object> rest = positional.subList(taken, positional.size());
        session.scope.put("varargs", new Tuple("(", rest));
        positional = positional.subList(0, taken);
      }
      if (extras.contains("caller")) {
        Object caller = keywords.remove("caller");
        session.scope.put("caller", caller == null ? new Undefined("No caller defined") : caller);
      }
      if (extras.contains("kwargs")) {
        Map<String, Object> others = new LinkedHashMap<>(keywords);
        others.keySet().removeAll(parameters.keySet());
        keywords.keySet().retainAll(parameters.keySet());
        session.scope.put("kwargs", others);
      }
      String[] names = parameters.keySet().toArray(String[]::new);
      Map<String, Object> values = new Arguments(positional, keywords).named(names);
      parameters.forEach(
          (name, otherwise) -> {
            Object value = values.get(name);
            session.scope.put(name, value == null ? otherwise.in(session) : value);
          });
    }
  }

  static final class MacroTag extends Statement<MacroHeader> {
    private static final long serialVersionUID = 1L;

    MacroTag() {
      super("macro");
    }

    @Override
    MacroHeader compile(TagNode node) {
      return read(node, g -> MacroHeader.of(g.name(), MacroHeader.parameters(g), node));
    }

    @Override
    String render(
        MacroHeader header, TagNode node, Session session, JinjavaInterpreter interpreter) {
      session.scope.put(header.name(), header.macro(node, session, interpreter));
      return "";
    }
  }

  /// A call of a macro, and the parameters of the macro `caller` that the call hands over.
  record CallHeader(MacroHeader caller, Call call) {}

  static final class CallTag extends Statement<CallHeader> {
    private static final long serialVersionUID = 1L;

    CallTag() {
      super("call");
    }

    @Override
    CallHeader compile(TagNode node) {
      return read(
          node,
          grammar -> {
            Map<String, Expression> parameters =
                grammar.at("(") ? MacroHeader.parameters(grammar) : Map.of();
            if (!(grammar.expression() instanceof Call call)) {
              throw new TemplateSyntaxException("'call' needs a call", node.getLineNumber());
            }
            return new CallHeader(MacroHeader.of("caller", parameters, node), call);
          });
    }

    @Override
    String render(
        CallHeader header, TagNode node, Session session, JinjavaInterpreter interpreter) {
      Callable caller = header.caller().macro(node, session, interpreter);
      return Representation.text(session, header.call().in(session, Map.of("caller", caller)));
    }
  }
}

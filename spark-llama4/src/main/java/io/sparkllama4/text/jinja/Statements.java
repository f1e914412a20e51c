package io.sparkllama4.text.jinja;

import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.lib.tag.Tag;
import com.hubspot.jinjava.tree.ExpressionNode;
import com.hubspot.jinjava.tree.Node;
import com.hubspot.jinjava.tree.TagNode;
import com.hubspot.jinjava.tree.parse.ExpressionToken;
import com.hubspot.jinjava.tree.parse.TagToken;
import com.hubspot.jinjava.util.ScopeMap;
import io.sparkllama4.text.jinja.Session.Jump;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// The tags of chat templates, with jinja2's scopes: loops, macros, `with`, `filter`, blocks of
/// `set` and `generation` have variables of their own, `if` has none.
final class Statements {
  static final List<Tag> ALL =
      List.of(
          new If(),
          new For(),
          new SetTag(),
          new MacroTag(),
          new CallTag(),
          new With(),
          new FilterTag(),
          new Generation(),
          new Mark("else"),
          new Mark("elif"),
          new Mark("break"),
          new Mark("continue"));

  private static final int DEEPEST = 200;

  private Statements() {}

  /// Compiles what stands in the tags of a tree, into `headers`.
  static void compile(Node node, IdentityHashMap<Object, Object> headers, int depth) {
    if (depth > DEEPEST) {
      throw new TemplateSyntaxException("The template nests too deeply", node.getLineNumber());
    }
    if (node instanceof ExpressionNode && node.getMaster() instanceof ExpressionToken token) {
      headers.put(
          token, Grammar.read(token.getExpr(), token.getLineNumber(), Grammar::expressions));
    }
    if (node instanceof TagNode tag) {
      if (!(tag.getTag() instanceof Statement<?> statement)) {
        throw new TemplateSyntaxException(
            "The tag '" + tag.getName() + "' is not supported; allowed are " + names(),
            tag.getLineNumber());
      }
      headers.put(tag, statement.compile(tag));
    }
    node.getChildren().forEach(child -> compile(child, headers, depth + 1));
  }

  private static List<String> names() {
    return ALL.stream().map(Tag::getName).toList();
  }

  /// A tag without a body, which the one around it understands.
  static final class Mark extends Statement<String> {
    private static final long serialVersionUID = 1L;

    Mark(String name) {
      super(name, header -> false);
    }

    @Override
    String compile(TagNode node) {
      boolean jump = getName().equals("break") || getName().equals("continue");
      boolean placed = false;
      for (Node at = node.getParent(); at instanceof TagNode tag; at = at.getParent()) {
        boolean loop = tag.getTag() instanceof For;
        placed = placed || loop || (!jump && tag.getTag() instanceof If);
        if (!jump) {
          break;
        }
      }
      if (!placed) {
        throw new TemplateSyntaxException("Misplaced '" + getName() + "'", node.getLineNumber());
      }
      return getName();
    }

    @Override
    String render(String header, TagNode node, Session session, JinjavaInterpreter interpreter) {
      session.jump = header.equals("break") ? Jump.BREAK : Jump.CONTINUE;
      return "";
    }
  }

  /// One way through an `if`; `else` has no condition.
  record Case(@Nullable Expression condition, List<Node> body) {}

  private static final class If extends Statement<List<Case>> {
    private static final long serialVersionUID = 1L;

    If() {
      super("if");
    }

    @Override
    List<Case> compile(TagNode node) {
      List<Case> cases = new ArrayList<>();
      TagNode at = node;
      while (at != null) {
        Branch branch = branch(node, cases.isEmpty() ? null : at);
        boolean otherwise = at.getName().equals("else");
        cases.add(new Case(otherwise ? null : read(at, Grammar::disjunction), branch.body()));
        if (otherwise && branch.next() != null) {
          throw new TemplateSyntaxException("Nothing may follow 'else'", at.getLineNumber());
        }
        at = branch.next();
      }
      return cases;
    }

    @Override
    String render(
        List<Case> header, TagNode node, Session session, JinjavaInterpreter interpreter) {
      for (Case one : header) {
        Expression condition = one.condition();
        if (condition == null || Values.truth(condition.in(session))) {
          return session.body(one.body(), interpreter);
        }
      }
      return "";
    }
  }

  /// What is assigned to: one name, or several that take a sequence apart.
  record Target(List<String> names, boolean several) {
    static Target read(Grammar grammar) {
      boolean nested = grammar.take("(");
      List<String> names = new ArrayList<>(List.of(grammar.name()));
      boolean several = grammar.at(",");
      while (grammar.take(",")) {
        names.add(grammar.name());
      }
      if (nested) {
        grammar.expect(")");
      }
      return new Target(names, several);
    }

    void assign(Session session, Object value) {
      if (!several) {
        session.scope.put(names.getFirst(), value);
        return;
      }
      List<Object> values = Values.list(session, value);
      if (values.size() != names.size()) {
        throw new TemplateException(
            "Expected " + names.size() + " values to unpack, got " + values.size());
      }
      for (int i = 0; i < names.size(); i++) {
        session.scope.put(names.get(i), values.get(i));
      }
    }
  }

  /// The header of a loop and its two bodies.
  record ForHeader(
      Target target,
      Expression items,
      @Nullable Expression condition,
      List<Node> body,
      List<Node> otherwise) {}

  private static final class For extends Statement<ForHeader> {
    private static final long serialVersionUID = 1L;

    For() {
      super("for");
    }

    @Override
    ForHeader compile(TagNode node) {
      Branch body = branch(node, null);
      TagNode next = body.next();
      List<Node> otherwise = next == null ? List.of() : branch(node, next).body();
      return read(
          node,
          grammar -> {
            Target target = Target.read(grammar);
            grammar.expect("in");
            Expression items = grammar.disjunction();
            Expression condition = grammar.take("if") ? grammar.expression() : null;
            return new ForHeader(target, items, condition, body.body(), otherwise);
          });
    }

    @Override
    String render(ForHeader header, TagNode node, Session session, JinjavaInterpreter interpreter) {
      List<Object> items = Values.list(session, header.items().in(session));
      ScopeMap<String, Object> outer = session.scope;
      Expression condition = header.condition();
      if (condition != null) {
        items.removeIf(
            item ->
                session.within(
                    outer,
                    () -> {
                      header.target().assign(session, item);
                      return !Values.truth(condition.in(session));
                    }));
      }
      boolean completed = false;
      Loop loop = new Loop(items);
      StringBuilder text = new StringBuilder();
      while (session.jump != Jump.BREAK && loop.advance()) {
        session.jump = Jump.NONE;
        text.append(
            session.within(
                outer,
                () -> {
                  session.scope.put("loop", loop);
                  header.target().assign(session, loop.item());
                  return session.body(header.body(), interpreter);
                }));
        session.fit(text.length());
        completed |= session.jump == Jump.NONE;
      }
      session.jump = Jump.NONE;
      // jinja2 takes a pass that `break` or `continue` ends for none.
      if (!completed) {
        text.append(session.within(outer, () -> session.body(header.otherwise(), interpreter)));
      }
      return text.toString();
    }
  }

  /// A value or a block, and what it is assigned to.
  record SetHeader(Target target, @Nullable String attribute, Expression value) {}

  private static final class SetTag extends Statement<SetHeader> {
    private static final long serialVersionUID = 1L;
    private static final Pattern VALUE = Pattern.compile("(?s)[^=|]*=.*");

    SetTag() {
      super("set", header -> !VALUE.matcher(header).matches());
    }

    @Override
    SetHeader compile(TagNode node) {
      return read(
          node,
          grammar -> {
            Target target = Target.read(grammar);
            String attribute = grammar.take(".") ? grammar.name() : null;
            Expression value =
                grammar.take("=")
                    ? grammar.expressions()
                    : grammar.filters(s -> s.scope.getOrDefault(BODY, ""));
            return new SetHeader(target, attribute, value);
          });
    }

    @Override
    String render(SetHeader header, TagNode node, Session session, JinjavaInterpreter interpreter) {
      Object value = bodied(this, header.value(), node, session, interpreter);
      if (header.attribute() == null) {
        header.target().assign(session, value);
      } else if (session.scope.get(header.target().names().getFirst())
          instanceof Namespace namespace) {
        namespace.set(header.attribute(), value);
      } else {
        throw new TemplateException("cannot assign attribute on non-namespace object");
      }
      return "";
    }
  }

  /// The name, which no template can write, of what the body of a tag printed.
  private static final String BODY = "body of the tag";

  /// What an expression gives that may read the body of its tag.
  private static Object bodied(
      Statement<?> statement,
      Expression value,
      TagNode node,
      Session session,
      JinjavaInterpreter interpreter) {
    if (!statement.hasEndTag((TagToken) node.getMaster())) {
      return value.in(session);
    }
    return session.within(
        session.scope,
        () -> {
          String body = session.body(node.getChildren(), interpreter);
          return session.within(
              session.scope.getParent(),
              () -> {
                session.scope.put(BODY, body);
                return value.in(session);
              });
        });
  }

  private static final class FilterTag extends Statement<Expression> {
    private static final long serialVersionUID = 1L;

    FilterTag() {
      super("filter");
    }

    @Override
    Expression compile(TagNode node) {
      String header = "|" + node.getHelpers();
      return Grammar.read(
          header,
          node.getLineNumber(),
          grammar -> grammar.filters(s -> s.scope.getOrDefault(BODY, "")));
    }

    @Override
    String render(
        Expression header, TagNode node, Session session, JinjavaInterpreter interpreter) {
      return Representation.text(session, bodied(this, header, node, session, interpreter));
    }
  }

  private static final class With extends Statement<Map<String, Expression>> {
    private static final long serialVersionUID = 1L;

    With() {
      super("with");
    }

    @Override
    Map<String, Expression> compile(TagNode node) {
      return read(
          node,
          grammar -> {
            Map<String, Expression> values = new LinkedHashMap<>();
            do {
              String name = grammar.name();
              grammar.expect("=");
              values.put(name, grammar.expression());
            } while (grammar.take(","));
            return values;
          });
    }

    @Override
    String render(
        Map<String, Expression> header,
        TagNode node,
        Session session,
        JinjavaInterpreter interpreter) {
      Map<String, Object> values = new LinkedHashMap<>();
      header.forEach((name, value) -> values.put(name, value.in(session)));
      return session.within(
          session.scope,
          () -> {
            session.scope.putAll(values);
            return session.body(node.getChildren(), interpreter);
          });
    }
  }

  private static final class Generation extends Statement<String> {
    private static final long serialVersionUID = 1L;

    Generation() {
      super("generation");
    }

    @Override
    String compile(TagNode node) {
      return node.getName();
    }

    @Override
    String render(String header, TagNode node, Session session, JinjavaInterpreter interpreter) {
      return session.within(session.scope, () -> session.body(node.getChildren(), interpreter));
    }
  }

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

  private static final class MacroTag extends Statement<MacroHeader> {
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
  record CallHeader(MacroHeader caller, Grammar.Call call) {}

  private static final class CallTag extends Statement<CallHeader> {
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
            if (!(grammar.expression() instanceof Grammar.Call call)) {
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

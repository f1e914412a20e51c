package io.sparkllama4.text.jinja;

import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.lib.tag.Tag;
import com.hubspot.jinjava.tree.ExpressionNode;
import com.hubspot.jinjava.tree.Node;
import com.hubspot.jinjava.tree.TagNode;
import com.hubspot.jinjava.tree.parse.ExpressionToken;
import com.hubspot.jinjava.util.ScopeMap;
import io.sparkllama4.text.jinja.Session.Jump;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The tags of chat templates, with jinja2's scopes: loops, macros, `with`, `filter`, blocks of
/// `set` and `generation` have variables of their own, `if` has none.
final class Statements {
  static final List<Tag> ALL =
      List.of(
          new If(),
          new For(),
          new Blocks.SetTag(),
          new Macros.MacroTag(),
          new Macros.CallTag(),
          new With(),
          new Blocks.FilterTag(),
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
}

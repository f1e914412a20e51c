package io.sparkllama4.text.jinja;

import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.tree.TagNode;
import com.hubspot.jinjava.tree.parse.TagToken;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// The tags that work on what their body printed: `set` and `filter`.
final class Blocks {
  private Blocks() {}

  /// A value or a block, and what it is assigned to.
  record SetHeader(Statements.Target target, @Nullable String attribute, Expression value) {}

  static final class SetTag extends Statement<SetHeader> {
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
            Statements.Target target = Statements.Target.read(grammar);
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

  static final class FilterTag extends Statement<Expression> {
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
}

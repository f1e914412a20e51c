package io.sparkllama4.text.jinja;

import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.lib.tag.FlexibleTag;
import com.hubspot.jinjava.lib.tag.Tag;
import com.hubspot.jinjava.tree.Node;
import com.hubspot.jinjava.tree.TagNode;
import com.hubspot.jinjava.tree.parse.TagToken;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// A tag of Jinjava whose header is compiled when the template is opened. The tag holds no state.
///
/// @param <H> what the header is compiled to
abstract class Statement<H> implements Tag, FlexibleTag {
  private static final long serialVersionUID = 1L;

  private static final Set<String> BORDERS = Set.of("elif", "else");

  private final String name;
  private final transient Predicate<String> hasBody;

  Statement(String name, Predicate<String> hasBody) {
    this.name = name;
    this.hasBody = hasBody;
  }

  Statement(String name) {
    this(name, header -> true);
  }

  abstract H compile(TagNode node);

  abstract String render(H header, TagNode node, Session session, JinjavaInterpreter interpreter);

  @Override
  public String getName() {
    return name;
  }

  @Override
  public String getEndTagName() {
    return "end" + name;
  }

  @Override
  public boolean hasEndTag(TagToken token) {
    return hasBody.test(token.getHelpers());
  }

  @Override
  public String interpret(TagNode node, JinjavaInterpreter interpreter) {
    Session session = Session.of(interpreter);
    session.step();
    @SuppressWarnings("unchecked")
    H header = (H) session.header(node);
    return render(header, node, session, interpreter);
  }

  /// What `rule` makes of the header.
  static <T> T read(TagNode node, Function<Grammar, T> rule) {
    return Grammar.read(node.getHelpers(), node.getLineNumber(), rule);
  }

  /// The children up to the next of these tags, and that tag.
  record Branch(List<Node> body, @Nullable TagNode next) {}

  /// The children behind `start`, or all where it is null, up to the next `elif` or `else`.
  @SuppressWarnings("ReferenceEquality") // Nodes are equal to themselves only.
  static Branch branch(TagNode node, @Nullable TagNode start) {
    List<Node> body = new ArrayList<>();
    boolean inside = start == null;
    for (Node child : node.getChildren()) {
      if (inside && child instanceof TagNode next && BORDERS.contains(next.getName())) {
        return new Branch(body, next);
      }
      if (inside) {
        body.add(child);
      }
      inside = inside || child == start;
    }
    return new Branch(body, null);
  }
}

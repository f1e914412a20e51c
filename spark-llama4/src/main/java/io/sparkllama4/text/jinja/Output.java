package io.sparkllama4.text.jinja;

import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.lib.expression.ExpressionStrategy;
import com.hubspot.jinjava.tree.output.RenderedOutputNode;
import com.hubspot.jinjava.tree.parse.ExpressionToken;

/// Prints an expression as Python does; what it prints is never read as a template again.
final class Output implements ExpressionStrategy {
  private static final long serialVersionUID = 1L;

  @Override
  public RenderedOutputNode interpretOutput(ExpressionToken token, JinjavaInterpreter interpreter) {
    Session session = Session.of(interpreter);
    Expression expression = (Expression) session.header(token);
    return new RenderedOutputNode(Representation.text(session, expression.in(session)));
  }
}

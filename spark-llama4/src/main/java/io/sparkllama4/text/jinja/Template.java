package io.sparkllama4.text.jinja;

import java.time.Clock;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// A template, parsed. It holds no state: any number of threads may render it at the same time.
public final class Template {
  /// Longer than any template that people write, by far.
  private static final int LONGEST_SOURCE = 1 << 20;

  /// As deep as JSON may be nested that comes in.
  private static final int DEEPEST_INPUT = 200;

  private final List<Statement> statements;

  private Template(List<Statement> statements) {
    this.statements = statements;
  }

  /// Reads a template.
  ///
  /// @throws TemplateSyntaxException where it cannot be understood
  public static Template parse(String source) {
    if (source.length() > LONGEST_SOURCE) {
      throw new TemplateSyntaxException(
          "The template is longer than " + LONGEST_SOURCE + " characters", 1);
    }
    try {
      return new Template(StatementParser.parse(source));
    } catch (StackOverflowError e) {
      throw new TemplateSyntaxException("The template nests too deeply", 1);
    }
  }

  /// Renders with variables that are made of text, numbers, truth values, nulls, and lists and maps
  /// of these.
  ///
  /// @param clock what `strftime_now` reads
  /// @param shadows whether the variables may hold shadows, which the output keeps then
  /// @throws TemplateException where the template says so, does something that it must not, or
  ///     exceeds the limits
  public String render(
      Map<String, ? extends @Nullable Object> variables,
      Clock clock,
      Limits limits,
      Shadows shadows) {
    Map<String, Object> values = new HashMap<>(Globals.FUNCTIONS);
    variables.forEach((name, value) -> values.put(name, Values.of(value, DEEPEST_INPUT)));
    Session session = new Session(limits, clock, shadows);
    try {
      return new Renderer(session).capture(statements, new Scope(values));
    } catch (StackOverflowError e) {
      // The limits on nesting come first, save on a thread with a very small stack.
      throw new TemplateException("The template nests too deeply");
    }
  }
}

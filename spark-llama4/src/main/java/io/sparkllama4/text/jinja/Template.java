package io.sparkllama4.text.jinja;

import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.JinjavaConfig;
import com.hubspot.jinjava.LegacyOverrides;
import com.hubspot.jinjava.interpret.Context;
import com.hubspot.jinjava.interpret.InterpretException;
import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.tree.Node;
import com.hubspot.jinjava.tree.parse.StringTokenScannerSymbols;
import com.hubspot.jinjava.util.ScopeMap;
import java.time.Clock;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// A template, parsed by Jinjava. It holds no state of a rendering: any number of threads may
/// render it at the same time.
public final class Template {
  /// Longer than any template that people write, by far.
  private static final int LONGEST_SOURCE = 1 << 20;

  /// As deep as JSON may be nested that comes in.
  private static final int DEEPEST_INPUT = 200;

  private static final Jinjava JINJAVA =
      new Jinjava(
          JinjavaConfig.newBuilder()
              .withNestedInterpretationEnabled(false)
              .withLegacyOverrides(
                  LegacyOverrides.newBuilder()
                      .withHandleBackslashInQuotesOnly(true)
                      .withParseWhitespaceControlStrictly(true)
                      .build())
              .withTokenScannerSymbols(
                  StringTokenScannerSymbols.builder()
                      .withVariableStartString(TemplateSource.EXPRESSION_START)
                      .withVariableEndString(TemplateSource.EXPRESSION_END)
                      .withBlockStartString(TemplateSource.TAG_START)
                      .withBlockEndString(TemplateSource.TAG_END)
                      .withCommentStartString(TemplateSource.NOTE_START)
                      .withCommentEndString(TemplateSource.NOTE_END)
                      .build())
              .build());

  static {
    Statements.ALL.forEach(JINJAVA::registerTag);
    JINJAVA.getGlobalContext().setExpressionStrategy(new Output());
  }

  private final Node root;
  private final IdentityHashMap<Object, Object> headers;

  private Template(Node root, IdentityHashMap<Object, Object> headers) {
    this.root = root;
    this.headers = headers;
  }

  private static JinjavaInterpreter interpreter() {
    Context context = new Context(JINJAVA.getGlobalContext());
    return new JinjavaInterpreter(JINJAVA, context, JINJAVA.getGlobalConfig());
  }

  /// Reads a template.
  ///
  /// @throws TemplateSyntaxException where it cannot be understood, or uses what is not supported
  public static Template parse(String source) {
    if (source.length() > LONGEST_SOURCE) {
      throw new TemplateSyntaxException(
          "The template is longer than " + LONGEST_SOURCE + " characters", 1);
    }
    try {
      JinjavaInterpreter interpreter = interpreter();
      Node root = interpreter.parse(TemplateSource.canonical(source));
      if (!interpreter.getErrors().isEmpty()) {
        var error = interpreter.getErrors().getFirst();
        throw new TemplateSyntaxException(error.getMessage(), error.getLineno());
      }
      IdentityHashMap<Object, Object> headers = new IdentityHashMap<>();
      Statements.compile(root, headers, 0);
      return new Template(root, headers);
    } catch (InterpretException | IndexOutOfBoundsException e) {
      // Jinjava's words for a tag without a name are an index.
      throw new TemplateSyntaxException("A broken tag: " + e.getMessage(), 1);
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
    ScopeMap<String, Object> scope = new ScopeMap<>(new ScopeMap<>(null, values));
    Session session = new Session(headers, scope, clock, limits, shadows);
    JinjavaInterpreter interpreter = interpreter();
    interpreter.getContext().put(Session.KEY, session);
    try {
      return session.body(root.getChildren(), interpreter);
    } catch (StackOverflowError e) {
      // The limits on nesting come first, save on a thread with a very small stack.
      throw new TemplateException("The template nests too deeply");
    }
  }
}

package io.sparkllama4.text;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.error.Llama4Exception;
import io.sparkllama4.text.jinja.Limits;
import io.sparkllama4.text.jinja.Shadows;
import io.sparkllama4.text.jinja.Template;
import io.sparkllama4.text.jinja.TemplateException;
import io.sparkllama4.text.jinja.TemplateSyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.ZoneId;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The chat template of a checkpoint: from a conversation to the text that the model was trained
/// on. It gives what `apply_chat_template` of Hugging Face transformers gives.
///
/// Any number of threads may render at the same time.
public final class ChatTemplate {
  private static final String FILE = "chat_template.jinja";
  private static final String TOOL_USE = "tool_use";

  /// The names under which a message's reasoning comes in; templates read the first or second.
  private static final List<String> REASONING =
      List.of("reasoning_content", "thinking", "reasoning");

  private final Map<String, Template> templates;
  private final Map<String, String> specialTokens;
  private final Clock clock;
  private final Limits limits;

  private ChatTemplate(
      Map<String, Template> templates, Map<String, String> specialTokens, Clock clock) {
    this.templates = templates;
    this.specialTokens = specialTokens;
    this.clock = clock;
    this.limits = Limits.STANDARD;
  }

  /// The template in `directory`, if it has one.
  ///
  /// @throws Llama4Exception with `INVALID_TOKENIZER` and the file for one that cannot be
  ///     understood
  public static Optional<ChatTemplate> open(Path directory) {
    return open(directory, Clock.system(ZoneId.systemDefault()));
  }

  /// As [#open(Path)], with the clock that templates read: a fixed one makes the rendering of a
  /// conversation the same at every attempt.
  public static Optional<ChatTemplate> open(Path directory, Clock clock) {
    TokenizerConfig config = TokenizerConfig.read(directory);
    Path file = directory.resolve(FILE);
    Map<String, String> sources = config.templates();
    String origin = TokenizerConfig.NAME;
    if (Files.isRegularFile(file)) {
      sources = Map.of(TokenizerConfig.DEFAULT_TEMPLATE, TextFiles.text(file));
      origin = FILE;
    }
    if (sources.isEmpty()) {
      return Optional.empty();
    }
    Map<String, Template> templates = new HashMap<>();
    for (Map.Entry<String, String> source : sources.entrySet()) {
      templates.put(source.getKey(), parse(source.getValue(), origin));
    }
    return Optional.of(new ChatTemplate(Map.copyOf(templates), config.specialTokens(), clock));
  }

  private static Template parse(String source, String file) {
    try {
      return Template.parse(source);
    } catch (TemplateSyntaxException e) {
      throw TextFiles.invalid(
          file, "its chat template cannot be read", String.valueOf(e.getMessage()), "Jinja");
    }
  }

  /// The text of a conversation.
  ///
  /// @param messages maps with a text `role`; see [ChatMessages]
  /// @param variables further variables of the template, such as `add_generation_prompt` and
  ///     `tools`
  /// @throws Llama4Exception with `TEMPLATE_ERROR` where the template refuses the conversation or
  ///     fails, with the template's words
  public String render(
      List<? extends Map<String, ? extends @Nullable Object>> messages,
      Map<String, ? extends @Nullable Object> variables) {
    return render(messages, variables, Shadows.ABSENT);
  }

  String render(
      List<? extends Map<String, ? extends @Nullable Object>> messages,
      Map<String, ? extends @Nullable Object> variables,
      Shadows shadows) {
    Map<String, @Nullable Object> all = new HashMap<>();
    // What transformers passes where the caller says nothing.
    all.put("tools", null);
    all.put("documents", null);
    all.put("add_generation_prompt", false);
    all.putAll(specialTokens);
    all.putAll(variables);
    all.put("messages", messages.stream().map(ChatTemplate::normalized).toList());
    try {
      return template(all).render(all, clock, limits, shadows);
    } catch (TemplateException e) {
      throw failure(String.valueOf(e.getMessage()));
    }
  }

  static Llama4Exception failure(String message) {
    return ErrorReport.of(ErrorCode.TEMPLATE_ERROR, "The chat template failed: " + message)
        .exception();
  }

  private Template template(Map<String, ? extends @Nullable Object> variables) {
    Template standard = templates.get(TokenizerConfig.DEFAULT_TEMPLATE);
    Template tools = variables.get("tools") == null ? null : templates.get(TOOL_USE);
    if (tools != null) {
      return tools;
    }
    if (standard == null) {
      throw new IllegalStateException("A chat template without a default was opened");
    }
    return standard;
  }

  /// A message as transformers hands it to templates: without entries that are null, and with its
  /// reasoning under the names that templates read.
  private static Map<String, Object> normalized(Map<String, ? extends @Nullable Object> message) {
    Map<String, Object> present = new LinkedHashMap<>();
    message.forEach(
        (name, value) -> {
          if (value != null) {
            present.put(name, value);
          }
        });
    for (String name : REASONING) {
      Object reasoning = present.get(name);
      if (reasoning != null) {
        Map<String, Object> aliased = new LinkedHashMap<>();
        aliased.put("thinking", reasoning);
        aliased.putAll(present);
        aliased.put("reasoning_content", reasoning);
        return aliased;
      }
    }
    return present;
  }
}

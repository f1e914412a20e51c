package io.sparkllama4.runtime;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.error.Llama4Exception;
import io.sparkllama4.text.ChatEncoder;
import io.sparkllama4.text.Tokenizer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Turns prompts into token ids. Thread-safe: all tasks of an executor encode with one.
public final class PromptEncoder {
  private static final Map<String, Object> ASK_FOR_ANSWER = Map.of("add_generation_prompt", true);

  private final Tokenizer tokenizer;
  private final PromptCutter cutter;
  private final Optional<ChatEncoder> chat;

  @SuppressWarnings("OptionalUsedAsFieldOrParameterType") // A checkpoint may have no template.
  PromptEncoder(Tokenizer tokenizer, Optional<ChatEncoder> chat) {
    this.tokenizer = tokenizer;
    this.cutter = new PromptCutter(tokenizer);
    this.chat = chat;
  }

  /// The ids of `prompt`.
  ///
  /// @param raw whether a text is encoded as it stands
  /// @throws Llama4Exception with a row's code: EMPTY_PROMPT, INVALID_UTF8, TEMPLATE_ERROR
  public int[] encode(Prompt prompt, boolean raw) {
    int[] ids =
        switch (prompt) {
          case Prompt.Ids(int[] given) -> given;
          case Prompt.Text(String text) -> text(text, raw);
          case Prompt.Asked(String question, String text) ->
              text(raw ? text : question + text, raw);
          case Prompt.Messages(List<Map<String, Object>> messages) -> messages(messages);
        };
    if (ids.length == 0) {
      throw empty();
    }
    return ids;
  }

  /// The ids of `prompt`, of at most `limit` tokens where `policy` says to cut it.
  ///
  /// What is cut is the user's text: the text of a prompt, that of the last user message of a
  /// conversation, or given ids. What stands around it stays: template, question, and the token
  /// that begins a text. Where nothing of the text would be left, the prompt comes as it is.
  ///
  /// @param raw whether a text is encoded as it stands
  /// @throws Llama4Exception as [#encode(Prompt, boolean)]
  public int[] encode(Prompt prompt, boolean raw, OnLongPrompt policy, int limit) {
    int[] ids = encode(prompt, raw);
    if (!policy.cuts() || ids.length <= limit || limit < 1) {
      return ids;
    }
    Optional<int[]> cut =
        switch (prompt) {
          case Prompt.Ids(int[] given) -> Optional.of(PromptCutter.cut(given, policy, limit));
          case Prompt.Text(String text) ->
              cutter.cut(
                  text, part -> encode(new Prompt.Text(part), raw), policy, limit, ids.length);
          case Prompt.Asked(String question, String text) ->
              cutter.cut(
                  text,
                  part -> encode(new Prompt.Asked(question, part), raw),
                  policy,
                  limit,
                  ids.length);
          case Prompt.Messages(List<Map<String, Object>> messages) ->
              cutMessages(messages, policy, limit, ids.length);
        };
    return cut.orElse(ids);
  }

  private Optional<int[]> cutMessages(
      List<Map<String, Object>> messages, OnLongPrompt policy, int limit, int length) {
    for (int i = messages.size() - 1; i >= 0; i--) {
      Map<String, Object> message = messages.get(i);
      if ("user".equals(message.get("role")) && message.get("content") instanceof String text) {
        int last = i;
        return cutter.cut(
            text,
            part -> {
              Map<String, Object> shorter = new LinkedHashMap<>(message);
              shorter.put("content", part);
              List<Map<String, Object>> copy = new ArrayList<>(messages);
              copy.set(last, shorter);
              return messages(copy);
            },
            policy,
            limit,
            length);
      }
    }
    return Optional.empty();
  }

  /// The ids of `text` alone, special strings as text: what continues a prompt.
  ///
  /// @throws Llama4Exception with INVALID_UTF8
  public int[] alone(String text) {
    requireCharacters(text);
    return tokenizer.encode(text);
  }

  private int[] text(String text, boolean raw) {
    requireCharacters(text);
    if (!raw && chat.isPresent()) {
      return messages(List.of(Map.of("role", "user", "content", text)));
    }
    if (text.isEmpty()) {
      throw empty();
    }
    return tokenizer.encodeWithSurroundings(text);
  }

  private int[] messages(List<Map<String, Object>> messages) {
    if (chat.isEmpty()) {
      throw ErrorReport.of(
              ErrorCode.TEMPLATE_ERROR,
              "The checkpoint has no chat template, so that messages cannot be rendered; give a"
                  + " prompt or ids")
          .key("messages")
          .exception();
    }
    return chat.get().encode(messages, ASK_FOR_ANSWER);
  }

  private static Llama4Exception empty() {
    return empty("prompt", "there is nothing to continue");
  }

  /// The error of a text that has to hold something.
  ///
  /// @param argument which
  /// @param why it has to
  public static Llama4Exception empty(String argument, String why) {
    return ErrorReport.of(ErrorCode.EMPTY_PROMPT, "The " + argument + " is empty: " + why)
        .key(argument)
        .exception();
  }

  /// Half a surrogate pair is no character: UTF-8 has no bytes for it.
  private static void requireCharacters(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (Character.isHighSurrogate(c)
          && i + 1 < text.length()
          && Character.isLowSurrogate(text.charAt(i + 1))) {
        i++;
      } else if (Character.isSurrogate(c)) {
        throw invalidUtf8();
      }
    }
  }

  /// The error of a text that is not well-formed.
  public static Llama4Exception invalidUtf8() {
    return ErrorReport.of(
            ErrorCode.INVALID_UTF8,
            "The prompt is not well-formed UTF-8; clean it, for instance with make_valid_utf8")
        .key("prompt")
        .exception();
  }
}

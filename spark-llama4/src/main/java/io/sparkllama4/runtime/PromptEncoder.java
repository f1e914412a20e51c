package io.sparkllama4.runtime;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.error.Llama4Exception;
import io.sparkllama4.text.ChatEncoder;
import io.sparkllama4.text.Tokenizer;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Turns prompts into token ids. Thread-safe: all tasks of an executor encode with one.
public final class PromptEncoder {
  private static final Map<String, Object> ASK_FOR_ANSWER = Map.of("add_generation_prompt", true);

  private final Tokenizer tokenizer;
  private final Optional<ChatEncoder> chat;

  @SuppressWarnings("OptionalUsedAsFieldOrParameterType") // A checkpoint may have no template.
  PromptEncoder(Tokenizer tokenizer, Optional<ChatEncoder> chat) {
    this.tokenizer = tokenizer;
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
          case Prompt.Messages(List<Map<String, Object>> messages) -> messages(messages);
        };
    if (ids.length == 0) {
      throw empty();
    }
    return ids;
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
    return ErrorReport.of(
            ErrorCode.EMPTY_PROMPT, "The prompt is empty: there is nothing to continue")
        .key("prompt")
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

package io.sparkllama4.runtime;

import java.util.List;
import java.util.Map;

/// What a row asks, before it is encoded.
public sealed interface Prompt {
  /// Exactly these ids, nothing added.
  @SuppressWarnings("ArrayRecordComponent") // Handed on; nobody compares it.
  record Ids(int[] ids) implements Prompt {}

  /// A text: the content of one user message where the checkpoint has a chat template, unless it is
  /// asked for raw.
  record Text(String text) implements Prompt {}

  /// A text with a question in front, which are one text together; asked for raw, the text alone.
  ///
  /// @param question what is asked about the text, up to where the text begins
  /// @param text what a prompt that is too long loses tokens of
  record Asked(String question, String text) implements Prompt {}

  /// A conversation, as the chat template sees it: each message with its `role` and `content`.
  record Messages(List<Map<String, Object>> messages) implements Prompt {}
}

package io.sparkllama4.text;

import com.fasterxml.jackson.databind.JsonNode;
import io.sparkllama4.error.Llama4Exception;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// What `tokenizer_config.json` says of chats; a checkpoint need not have one.
///
/// @param specialTokens the texts of `bos_token` and its like, which templates name
/// @param templates the chat templates by name
record TokenizerConfig(Map<String, String> specialTokens, Map<String, String> templates) {
  static final String NAME = "tokenizer_config.json";
  static final String DEFAULT_TEMPLATE = "default";

  private static final List<String> SPECIAL_TOKENS =
      List.of(
          "bos_token",
          "eos_token",
          "unk_token",
          "sep_token",
          "pad_token",
          "cls_token",
          "mask_token");

  /// Reads the file in `directory`; nothing is in an absent one.
  static TokenizerConfig read(Path directory) {
    Path file = directory.resolve(NAME);
    if (!Files.isRegularFile(file)) {
      return new TokenizerConfig(Map.of(), Map.of());
    }
    JsonNode config = TextFiles.object(file);
    Map<String, String> tokens = new HashMap<>();
    for (String name : SPECIAL_TOKENS) {
      JsonNode token = config.path(name);
      JsonNode content = token.isObject() ? token.path("content") : token;
      if (content.isTextual()) {
        tokens.put(name, content.textValue());
      } else if (!token.isNull() && !token.isMissingNode()) {
        throw invalid(name, token, "a text, or an object with a text \"content\"");
      }
    }
    return new TokenizerConfig(Map.copyOf(tokens), templates(config.path("chat_template")));
  }

  private static Map<String, String> templates(JsonNode node) {
    Map<String, String> templates = new LinkedHashMap<>();
    if (node.isTextual()) {
      templates.put(DEFAULT_TEMPLATE, node.textValue());
    } else if (node.isArray()) {
      for (JsonNode entry : node) {
        JsonNode name = entry.path("name");
        JsonNode template = entry.path("template");
        if (!name.isTextual() || !template.isTextual()) {
          throw invalid("chat_template", entry, "texts \"name\" and \"template\"");
        }
        templates.put(name.textValue(), template.textValue());
      }
      if (!templates.containsKey(DEFAULT_TEMPLATE)) {
        throw invalid("chat_template", templates.keySet(), "a template named \"default\"");
      }
    } else if (!node.isNull() && !node.isMissingNode()) {
      throw invalid("chat_template", node, "a text or a list of templates");
    }
    return Map.copyOf(templates);
  }

  private static Llama4Exception invalid(String name, Object found, String expected) {
    return TextFiles.invalid(NAME, "\"" + name + "\" is wrong", found, expected);
  }
}

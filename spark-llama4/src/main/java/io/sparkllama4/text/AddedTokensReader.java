package io.sparkllama4.text;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The list `added_tokens` of `tokenizer.json`, checked against the vocabulary.
final class AddedTokensReader {
  private final int vocabulary;
  private final String[] tokens;
  private final Map<String, Integer> ids = new HashMap<>();
  private final Map<Integer, String> contents = new HashMap<>();

  private AddedTokensReader(int vocabulary, String[] tokens) {
    this.vocabulary = vocabulary;
    this.tokens = tokens;
  }

  /// @param list the list, or nothing, which means none
  /// @param tokens those of the vocabulary by id
  static List<AddedToken> read(@Nullable JsonNode list, int vocabulary, String[] tokens) {
    if (list == null || list.isNull()) {
      return List.of();
    }
    if (!list.isArray()) {
      throw TokenizerFile.invalid("its added tokens are no list", list.getNodeType(), "a list");
    }
    AddedTokensReader reader = new AddedTokensReader(vocabulary, tokens);
    List<AddedToken> read = new ArrayList<>();
    for (JsonNode token : list) {
      read.add(reader.token(token));
    }
    reader.checkVocabulary();
    return List.copyOf(read);
  }

  /// A token that the vocabulary has as well must have its id, or the library and this file would
  /// not mean the same by it.
  private void checkVocabulary() {
    for (int id = 0; id < tokens.length; id++) {
      Integer added = ids.get(tokens[id]);
      if (added != null && added != id && !tokens[id].isEmpty()) {
        throw TokenizerFile.invalid("an added token has another id in the vocabulary", added, id);
      }
    }
  }

  private AddedToken token(JsonNode token) {
    JsonNode id = token.path("id");
    JsonNode content = token.path("content");
    if (!id.isInt() || !content.isTextual()) {
      throw TokenizerFile.invalid(
          "an added token has no id or content", token, "an integer \"id\", a text \"content\"");
    }
    AddedToken added =
        new AddedToken(
            TokenizerFile.checkId(id.intValue(), vocabulary),
            content.textValue(),
            flag(token, "special"),
            flag(token, "single_word"),
            flag(token, "lstrip"),
            flag(token, "rstrip"));
    check(added);
    return added;
  }

  private static boolean flag(JsonNode token, String name) {
    JsonNode value = token.path(name);
    if (!value.isMissingNode() && !value.isBoolean()) {
      throw TokenizerFile.invalid(
          "\"" + name + "\" of an added token is wrong", value, "a boolean");
    }
    return value.booleanValue();
  }

  private void check(AddedToken added) {
    int id = added.id();
    boolean inVocabulary = id < tokens.length && !tokens[id].isEmpty();
    if (inVocabulary && !tokens[id].equals(added.content())) {
      throw TokenizerFile.invalid(
          "an added token has the id of another token", added.content(), tokens[id]);
    }
    if (ids.put(added.content(), id) != null || contents.put(id, added.content()) != null) {
      throw TokenizerFile.invalid("an added token is there twice", added.content(), "once");
    }
  }
}

package io.sparkllama4.text;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.NullNode;
import io.sparkllama4.error.Llama4Exception;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// What `tokenizer.json` says: a byte-level BPE with its added tokens and what it puts around a
/// text. Other kinds of tokenizer are refused by name.
///
/// The file is read as a stream, since a tree of some 200,000 tokens and twice as many merges takes
/// ten times its memory.
final class TokenizerFile {
  static final String NAME = "tokenizer.json";

  /// Ten times the largest vocabulary that is published; a single absurd id must not take memory
  /// for all below it.
  private static final int MOST_TOKENS = 1 << 22;

  // What the library gets as it stands; the rest is done here.
  private static final Set<String> PASSED_ON =
      Set.of("version", "normalizer", "pre_tokenizer", "model");

  private final String json;
  private final int vocabulary;
  private final List<String> passedOn = new ArrayList<>();
  private final Map<String, JsonNode> others = new HashMap<>();
  private final Map<String, JsonNode> model = new HashMap<>();
  private String[] tokens = new String[0];
  private boolean hasModel;
  private boolean hasTokens;

  /// @param json the file's text
  /// @param vocabulary ids are below this
  TokenizerFile(String json, int vocabulary) {
    this.json = json;
    this.vocabulary = Math.min(vocabulary, MOST_TOKENS);
    try (JsonParser parser = TextFiles.parser(json)) {
      read(parser);
    } catch (JacksonException e) {
      throw TextFiles.malformed(NAME, e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    checkModel();
    checkDecoder(others.get("decoder"));
  }

  /// The tokens of the vocabulary by id; empty where an id has none.
  String[] tokens() {
    return tokens;
  }

  List<AddedToken> addedTokens() {
    return AddedTokensReader.read(others.get("added_tokens"), vocabulary, tokens);
  }

  Surroundings surroundings() {
    return Surroundings.of(others.get("post_processor"), vocabulary);
  }

  /// The tokenizer for the library: without added tokens, so that special strings stay text, and
  /// without anything around a text, or cut off it.
  String withoutAddedTokens() {
    return "{"
        + String.join(",", passedOn)
        + ",\"added_tokens\":[],\"post_processor\":null,\"decoder\":null"
        + ",\"truncation\":null,\"padding\":null}";
  }

  private void read(JsonParser parser) throws IOException {
    if (parser.nextToken() != JsonToken.START_OBJECT) {
      throw invalid("it is no JSON object", String.valueOf(parser.currentToken()), "an object");
    }
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String name = parser.currentName();
      parser.nextToken();
      if (!PASSED_ON.contains(name)) {
        others.put(name, TextFiles.part(parser));
        continue;
      }
      int start = (int) parser.currentTokenLocation().getCharOffset();
      if (name.equals("model") && parser.currentToken() == JsonToken.START_OBJECT) {
        hasModel = true;
        readModel(parser);
      } else {
        parser.skipChildren();
        parser.finishToken();
      }
      int end = (int) parser.currentLocation().getCharOffset();
      passedOn.add("\"" + name + "\":" + json.substring(start, end));
    }
    if (parser.nextToken() != null) {
      throw invalid("something follows its object", parser.currentToken(), "the end");
    }
  }

  private void readModel(JsonParser parser) throws IOException {
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String name = parser.currentName();
      JsonToken value = parser.nextToken();
      if (name.equals("vocab") && value == JsonToken.START_OBJECT) {
        hasTokens = true;
        readTokens(parser);
      } else if (value == JsonToken.START_ARRAY) {
        parser.skipChildren();
      } else {
        model.put(name, TextFiles.part(parser));
      }
    }
  }

  private void readTokens(JsonParser parser) throws IOException {
    List<String> read = new ArrayList<>();
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String token = parser.currentName();
      int id = id(parser);
      while (read.size() <= id) {
        read.add("");
      }
      if (!read.set(id, token).isEmpty()) {
        throw invalid("the id of a token is taken twice", id, "one token for each id");
      }
    }
    tokens = read.toArray(String[]::new);
  }

  private int id(JsonParser parser) throws IOException {
    if (parser.nextToken() != JsonToken.VALUE_NUMBER_INT) {
      throw invalid("the id of a token is no integer", parser.getText(), "an integer");
    }
    if (parser.getNumberType() != JsonParser.NumberType.INT) {
      throw invalid("the id of a token is out of range", parser.getText(), range(vocabulary));
    }
    return checkId(parser.getIntValue(), vocabulary);
  }

  /// The id, which must be one of the model's.
  static int checkId(int id, int vocabulary) {
    if (id < 0 || id >= vocabulary) {
      throw invalid("the id of a token is out of range", id, range(vocabulary));
    }
    return id;
  }

  private static String range(int vocabulary) {
    return "0 to " + (vocabulary - 1) + ", as the model has embeddings";
  }

  private void checkModel() {
    if (!hasModel) {
      throw invalid("it has no model", "nothing", "an object \"model\"");
    }
    JsonNode type = model.get("type");
    if (type == null || !type.asText().equals("BPE")) {
      throw invalid("its model type is not supported", type == null ? "nothing" : type, "\"BPE\"");
    }
    if (!hasTokens) {
      throw invalid("its model has no vocabulary", "nothing", "an object \"vocab\"");
    }
    refuse("byte_fallback");
    refuse("dropout");
    refuse("continuing_subword_prefix");
    refuse("end_of_word_suffix");
  }

  /// Refuses a feature of the model that is in use.
  private void refuse(String feature) {
    JsonNode value = model.getOrDefault(feature, NullNode.getInstance());
    boolean unused =
        value.isNull()
            || (value.isBoolean() && !value.booleanValue())
            || (value.isTextual() && value.textValue().isEmpty())
            || (value.isNumber() && value.doubleValue() == 0);
    if (!unused) {
      throw invalid("its model uses " + feature, value, "null");
    }
  }

  private static void checkDecoder(@org.jspecify.annotations.Nullable JsonNode decoder) {
    JsonNode found = decoder;
    if (found != null && found.path("type").asText().equals("Sequence")) {
      JsonNode parts = found.path("decoders");
      found = parts.size() == 1 ? parts.get(0) : found;
    }
    if (found == null || !found.path("type").asText().equals("ByteLevel")) {
      throw invalid(
          "its decoder is not supported",
          found == null ? "nothing" : found,
          "a decoder of type \"ByteLevel\"");
    }
  }

  static Llama4Exception invalid(String complaint, Object found, Object expected) {
    return TextFiles.invalid(NAME, complaint, found, expected);
  }
}

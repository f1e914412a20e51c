package io.sparkllama4.text;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.error.Llama4Exception;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/// Reads the text and JSON files of a checkpoint, each complaint with its file.
final class TextFiles {
  /// Four times the largest that is published.
  private static final long MOST_BYTES = 128L << 20;

  private static final int LONGEST_SHOWN = 200;

  private static final ObjectMapper MAPPER =
      new ObjectMapper(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(64)
                          .maxStringLength(16_000_000)
                          .maxNameLength(1_000_000)
                          .build())
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private TextFiles() {}

  /// The text of a file, which must be UTF-8.
  static String text(Path file) {
    String name = file.getFileName().toString();
    byte[] bytes;
    try {
      if (Files.size(file) > MOST_BYTES) {
        throw invalid(
            name, "it is too large", Files.size(file), "at most " + MOST_BYTES + " bytes");
      }
      bytes = Files.readAllBytes(file);
    } catch (IOException e) {
      throw ErrorReport.of(ErrorCode.MISSING_FILE, "Cannot read " + name + ": " + e)
          .file(name)
          .exception(e);
    }
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
      return text.startsWith("\uFEFF") ? text.substring(1) : text;
    } catch (CharacterCodingException e) {
      throw invalid(name, "it is no UTF-8", e, "UTF-8");
    }
  }

  /// A parser for a document that is too large for a tree.
  static JsonParser parser(String json) throws IOException {
    return MAPPER.createParser(json);
  }

  /// The tree of the part of a document at which the parser stands.
  static JsonNode part(JsonParser parser) throws IOException {
    return MAPPER
        .readerFor(JsonNode.class)
        .without(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
        .readValue(parser);
  }

  /// The object in a file.
  static JsonNode object(Path file) {
    String name = file.getFileName().toString();
    JsonNode node;
    try {
      node = MAPPER.readTree(text(file));
    } catch (JacksonException e) {
      throw malformed(name, e);
    }
    if (!node.isObject()) {
      throw invalid(name, "it is no JSON object", node.getNodeType(), "an object");
    }
    return node;
  }

  static Llama4Exception malformed(String name, JacksonException cause) {
    return ErrorReport.of(
            ErrorCode.INVALID_TOKENIZER,
            "Cannot read " + name + " as JSON: " + cause.getOriginalMessage())
        .file(name)
        .exception();
  }

  static Llama4Exception invalid(String name, String complaint, Object found, Object expected) {
    String shown = found.toString();
    return ErrorReport.of(ErrorCode.INVALID_TOKENIZER, "Cannot use " + name + ": " + complaint)
        .file(name)
        .found(
            shown.length() > LONGEST_SHOWN ? shown.substring(0, LONGEST_SHOWN) + "..." : shown,
            expected)
        .exception();
  }
}

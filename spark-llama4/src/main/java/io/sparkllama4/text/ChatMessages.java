package io.sparkllama4.text;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.error.Llama4Exception;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Conversations as chat templates see them: lists of maps with the keys in the order given, texts,
/// numbers, truth values and nulls.
public final class ChatMessages {
  private static final String KEY = "messages";

  /// What a message can hold besides text, and the name of the feature that would read it.
  private static final Map<String, String> MEDIA =
      Map.of(
          "image", "images",
          "image_url", "images",
          "input_image", "images",
          "audio", "audio",
          "input_audio", "audio",
          "video", "video",
          "video_url", "video");

  private static final ObjectMapper MAPPER =
      new ObjectMapper(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(100)
                          .maxStringLength(64_000_000)
                          .build())
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private ChatMessages() {}

  /// The messages in a JSON list.
  ///
  /// @throws Llama4Exception with `INVALID_OPTION` where it is no list of messages
  public static List<Map<String, @Nullable Object>> parse(String json) {
    JsonNode node;
    try {
      node = MAPPER.readTree(json);
    } catch (JacksonException e) {
      // The parser's own words may hold pieces of the text.
      throw invalid("it is no JSON", "text that JSON does not allow");
    }
    return of(node);
  }

  /// The messages in a JSON list that is read already.
  ///
  /// @throws Llama4Exception with `INVALID_OPTION` where it is no list of messages
  public static List<Map<String, @Nullable Object>> of(JsonNode node) {
    if (!node.isArray()) {
      throw invalid("it is no list", node.getNodeType());
    }
    List<Map<String, @Nullable Object>> messages = new ArrayList<>();
    for (JsonNode message : node) {
      if (!message.isObject()) {
        throw invalid("one of them is no object", message.getNodeType());
      }
      messages.add(object(message));
    }
    check(messages);
    return messages;
  }

  /// The value in a piece of JSON: a map, list, text, `Long`, `BigInteger`, `Double`, `Boolean` or
  /// null.
  public static @Nullable Object value(JsonNode node) {
    return switch (node.getNodeType()) {
      case OBJECT -> object(node);
      case ARRAY -> {
        List<@Nullable Object> list = new ArrayList<>();
        node.forEach(item -> list.add(value(item)));
        yield list;
      }
      case STRING -> node.textValue();
      case BOOLEAN -> node.booleanValue();
      case NUMBER ->
          !node.isIntegralNumber()
              ? (Object) node.doubleValue()
              : node.canConvertToLong() ? (Object) node.longValue() : node.bigIntegerValue();
      case NULL, MISSING -> null;
      case BINARY, POJO -> throw new IllegalArgumentException("No JSON: " + node.getNodeType());
    };
  }

  private static Map<String, @Nullable Object> object(JsonNode node) {
    Map<String, @Nullable Object> object = new LinkedHashMap<>();
    node.properties().forEach(entry -> object.put(entry.getKey(), value(entry.getValue())));
    return object;
  }

  /// Refuses what is no conversation.
  static void check(List<? extends Map<String, ? extends @Nullable Object>> messages) {
    if (messages.isEmpty()) {
      throw invalid("it is empty", "no message");
    }
    for (Map<String, ? extends @Nullable Object> message : messages) {
      if (!(message.get("role") instanceof String)) {
        throw invalid("one of them has no role", "no text \"role\"");
      }
    }
  }

  private static Llama4Exception invalid(String complaint, Object found) {
    return ErrorReport.of(ErrorCode.INVALID_OPTION, "Cannot use the messages: " + complaint)
        .found(found, "a list of objects, each with a text \"role\"")
        .key(KEY)
        .exception();
  }

  /// Refuses images, sound and video, which nothing here can read yet.
  ///
  /// @throws Llama4Exception with `UNSUPPORTED_FEATURE`
  public static void refuseMedia(List<? extends Map<String, ? extends @Nullable Object>> messages) {
    for (Map<String, ? extends @Nullable Object> message : messages) {
      if (message.get("content") instanceof List<?> parts) {
        parts.forEach(ChatMessages::refuseMedia);
      }
    }
  }

  private static void refuseMedia(@Nullable Object part) {
    if (part instanceof Map<?, ?> map && map.get("type") instanceof String type) {
      String feature = MEDIA.get(type);
      if (feature != null) {
        throw ErrorReport.of(
                ErrorCode.UNSUPPORTED_FEATURE,
                "Cannot read a message with a part of type " + type + ": not built yet")
            .found(type, "text")
            .key(feature)
            .exception();
      }
    }
  }
}

package io.sparkllama4.text;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What a tokenizer's post-processor puts in front of a text and behind it, such as the token that
/// begins a text.
///
/// @param front ids in front
/// @param back ids behind
record Surroundings(List<Integer> front, List<Integer> back) {
  private static final Surroundings NOTHING = new Surroundings(List.of(), List.of());

  /// @param processor the object `post_processor`, or nothing, which adds nothing
  static Surroundings of(@Nullable JsonNode processor, int vocabulary) {
    if (processor == null || processor.isNull()) {
      return NOTHING;
    }
    String type = processor.path("type").asText();
    return switch (type) {
      // It only moves offsets.
      case "ByteLevel" -> NOTHING;
      case "TemplateProcessing" -> template(processor, vocabulary);
      case "Sequence" -> sequence(processor, vocabulary);
      default ->
          throw TokenizerFile.invalid(
              "its post-processor is not supported",
              processor.path("type"),
              "\"ByteLevel\", \"TemplateProcessing\" or a \"Sequence\" of these");
    };
  }

  private static Surroundings sequence(JsonNode processor, int vocabulary) {
    List<Integer> front = new ArrayList<>();
    List<Integer> back = new ArrayList<>();
    for (JsonNode part : list(processor, "processors")) {
      if (part.path("type").asText().equals("Sequence")) {
        throw TokenizerFile.invalid("its post-processors nest", "a Sequence in a Sequence", "one");
      }
      Surroundings added = of(part, vocabulary);
      front.addAll(0, added.front());
      back.addAll(added.back());
    }
    return new Surroundings(List.copyOf(front), List.copyOf(back));
  }

  private static Surroundings template(JsonNode processor, int vocabulary) {
    List<Integer> front = new ArrayList<>();
    List<Integer> back = new ArrayList<>();
    int texts = 0;
    for (JsonNode part : list(processor, "single")) {
      if (part.has("Sequence")) {
        texts++;
      } else {
        String name = part.path("SpecialToken").path("id").asText();
        JsonNode token = processor.path("special_tokens").path(name);
        for (JsonNode id : list(token, "ids")) {
          if (!id.isInt()) {
            throw TokenizerFile.invalid("the id of a token is no integer", id, "an integer");
          }
          (texts == 0 ? front : back).add(TokenizerFile.checkId(id.intValue(), vocabulary));
        }
      }
    }
    if (texts != 1) {
      throw TokenizerFile.invalid("its post-processor holds the text not once", texts, "once");
    }
    return new Surroundings(List.copyOf(front), List.copyOf(back));
  }

  private static JsonNode list(JsonNode node, String name) {
    JsonNode list = node.path(name);
    if (!list.isArray()) {
      throw TokenizerFile.invalid(
          "its post-processor has no list \"" + name + "\"", list.getNodeType(), "a list");
    }
    return list;
  }
}

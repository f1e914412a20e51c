package io.sparkllama4.cli;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sparkllama4.engine.RowError;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.error.Llama4Exception;
import io.sparkllama4.runtime.GenerationOptions;
import io.sparkllama4.runtime.Prompt;
import io.sparkllama4.text.ChatMessages;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The rows that `generate` answers: what its options name, and the lines of its file.
final class Requests {
  private static final ObjectMapper JSON =
      new ObjectMapper()
          .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private final GenerationOptions defaults;
  private final List<Row> rows = new ArrayList<>();

  /// @param defaults options of every row that does not set its own
  Requests(GenerationOptions defaults) {
    this.defaults = defaults;
  }

  /// One row, or why it cannot be one.
  ///
  /// @param id what its result is called
  /// @param prompt what it asks
  /// @param options how it is answered
  /// @param error what is wrong with it
  record Row(
      String id, Optional<Prompt> prompt, GenerationOptions options, Optional<RowError> error) {}

  List<Row> rows() {
    return List.copyOf(rows);
  }

  /// Adds a row that is called by its index.
  void add(Prompt prompt) {
    rows.add(
        new Row(Integer.toString(rows.size()), Optional.of(prompt), defaults, Optional.empty()));
  }

  /// Adds a conversation, as `--messages` has it.
  ///
  /// @throws Llama4Exception where it is none, or holds what is not built
  void addMessages(String json) {
    try {
      List<Map<String, @Nullable Object>> conversation = ChatMessages.parse(json);
      ChatMessages.refuseMedia(conversation);
      add(new Prompt.Messages(conversation));
    } catch (Llama4Exception e) {
      ErrorReport report = e.report().key("--messages");
      throw e.code() == ErrorCode.INVALID_OPTION
          ? new CommandFailures.UsageException(report)
          : report.exception();
    }
  }

  /// Adds a row for each line of a JSONL file.
  ///
  /// @throws Llama4Exception where a line asks for what is not built: that is refused as a whole,
  ///     while a line that is wrong fails alone
  void addFile(Path file) {
    byte[] bytes;
    try {
      bytes = Files.readAllBytes(file);
    } catch (IOException e) {
      throw ErrorReport.of(ErrorCode.MISSING_FILE, "Cannot read the requests of " + file + ": " + e)
          .file(file.toString())
          .key("--requests")
          .exception(e);
    }
    int start = 0;
    int number = 1;
    for (int i = 0; i <= bytes.length; i++) {
      if (i == bytes.length || bytes[i] == '\n') {
        addLine(ByteBuffer.wrap(bytes, start, i - start), number++);
        start = i + 1;
      }
    }
  }

  private void addLine(ByteBuffer bytes, int number) {
    String line;
    try {
      line = StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
    } catch (CharacterCodingException e) {
      fail(
          Integer.toString(rows.size()),
          ErrorReport.of(ErrorCode.INVALID_UTF8, "Line " + number + " of the requests is no UTF-8")
              .key("requests")
              .exception());
      return;
    }
    String text = number == 1 && line.startsWith("\uFEFF") ? line.substring(1) : line;
    if (!text.isBlank()) {
      addLine(text, number);
    }
  }

  private void addLine(String line, int number) {
    String id = Integer.toString(rows.size());
    try {
      JsonNode request = JSON.readTree(line);
      if (!request.isObject()) {
        throw invalid("Line " + number + " of the requests is no JSON object", "requests");
      }
      id = id(request, id);
      GenerationOptions options = options(request);
      options.check();
      rows.add(new Row(id, Optional.of(prompt(request)), options, Optional.empty()));
    } catch (JsonProcessingException e) {
      fail(id, invalid("Line " + number + " of the requests is no JSON", "requests"));
    } catch (Llama4Exception e) {
      fail(id, e);
    }
  }

  private static String id(JsonNode request, String otherwise) {
    JsonNode id = request.path("id");
    if (id.isTextual() || id.isIntegralNumber()) {
      return id.asText();
    }
    if (!id.isNull() && !id.isMissingNode()) {
      throw invalid("The id of a request is neither a text nor an integer", "id");
    }
    return otherwise;
  }

  private void fail(String id, Llama4Exception failure) {
    if (failure.code() == ErrorCode.UNSUPPORTED_FEATURE) {
      throw failure;
    }
    // A row cannot have an unknown option; it has an invalid one.
    ErrorCode code =
        failure.code() == ErrorCode.UNKNOWN_OPTION ? ErrorCode.INVALID_OPTION : failure.code();
    RowError error = new RowError(code, failure.report().describe());
    rows.add(new Row(id, Optional.empty(), defaults, Optional.of(error)));
  }

  private GenerationOptions options(JsonNode request) {
    GenerationOptions options = defaults;
    for (Map.Entry<String, JsonNode> field : request.properties()) {
      switch (field.getKey()) {
        case "id", "ids", "prompt", "messages" -> {
          // Not an option.
        }
        default -> {
          if (!field.getValue().isNull()) {
            options = options.with(field.getKey(), value(field.getValue()));
          }
        }
      }
    }
    return options;
  }

  private static Object value(JsonNode node) {
    if (node.isArray()) {
      List<Object> values = new ArrayList<>();
      node.forEach(element -> values.add(value(element)));
      return values;
    }
    if (node.isBoolean()) {
      return node.booleanValue();
    }
    if (node.isIntegralNumber()) {
      return node.bigIntegerValue();
    }
    return node.isNumber()
        ? (Object) node.doubleValue()
        : node.isTextual() ? node.textValue() : node;
  }

  private static Prompt prompt(JsonNode request) {
    int given = 0;
    for (String name : List.of("ids", "prompt", "messages")) {
      given += request.hasNonNull(name) ? 1 : 0;
    }
    if (given != 1) {
      throw invalid("A request needs one of ids, prompt and messages, not " + given, "prompt");
    }
    if (request.hasNonNull("ids")) {
      return new Prompt.Ids(ids(request.get("ids")));
    }
    if (request.hasNonNull("messages")) {
      return messages(request.get("messages"));
    }
    if (!request.get("prompt").isTextual()) {
      throw invalid("The prompt of a request is no text", "prompt");
    }
    return new Prompt.Text(request.get("prompt").textValue());
  }

  private static Prompt messages(JsonNode node) {
    List<Map<String, @Nullable Object>> conversation = ChatMessages.of(node);
    try {
      ChatMessages.refuseMedia(conversation);
    } catch (Llama4Exception e) {
      throw e.report().key("messages").exception();
    }
    return new Prompt.Messages(conversation);
  }

  private static int[] ids(JsonNode node) {
    int[] ids = new int[node.size()];
    for (int i = 0; i < ids.length; i++) {
      JsonNode id = node.get(i);
      if (!node.isArray() || !id.isIntegralNumber() || !id.canConvertToInt()) {
        throw invalid("The ids of a request are no list of token ids", "ids");
      }
      ids[i] = id.intValue();
    }
    if (!node.isArray()) {
      throw invalid("The ids of a request are no list of token ids", "ids");
    }
    return ids;
  }

  /// Ids as `--ids` takes them: `1,2,3`.
  static int[] parseIds(String text) {
    if (text.isBlank()) {
      return new int[0];
    }
    String[] parts = text.split(",", -1);
    int[] ids = new int[parts.length];
    for (int i = 0; i < parts.length; i++) {
      try {
        ids[i] = Integer.parseInt(parts[i].trim());
      } catch (NumberFormatException e) {
        throw new CommandFailures.UsageException(
            ErrorReport.of(ErrorCode.INVALID_OPTION, "Option --ids cannot be [" + text + "]")
                .found(parts[i], "token ids, separated by commas")
                .key("--ids"));
      }
    }
    return ids;
  }

  private static Llama4Exception invalid(String message, String key) {
    return ErrorReport.of(ErrorCode.INVALID_OPTION, message).key(key).exception();
  }
}

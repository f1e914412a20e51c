package io.sparkllama4.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
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
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The rows that `generate` answers: what its options name, and the lines of its file.
final class Requests {
  private static final ObjectMapper JSON = new ObjectMapper();

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

  /// Adds a row for each line of a JSONL file.
  void addFile(Path file) {
    List<String> lines;
    try {
      lines = Files.readAllLines(file);
    } catch (IOException e) {
      throw ErrorReport.of(ErrorCode.MISSING_FILE, "Cannot read the requests of " + file + ": " + e)
          .file(file.toString())
          .key("--requests")
          .exception(e);
    }
    for (int i = 0; i < lines.size(); i++) {
      if (!lines.get(i).isBlank()) {
        addLine(lines.get(i), i + 1);
      }
    }
  }

  private void addLine(String line, int number) {
    String id = Integer.toString(rows.size());
    try {
      JsonNode request = JSON.readTree(line);
      if (!request.isObject()) {
        throw invalid("Line " + number + " of the requests is no JSON object", "requests");
      }
      if (request.hasNonNull("id")) {
        id = request.get("id").asText();
      }
      GenerationOptions options = options(request);
      rows.add(new Row(id, Optional.of(prompt(request)), options, Optional.empty()));
    } catch (JsonProcessingException e) {
      fail(id, invalid("Line " + number + " of the requests is no JSON", "requests"));
    } catch (Llama4Exception e) {
      fail(id, e);
    }
  }

  private void fail(String id, Llama4Exception failure) {
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
      return new Prompt.Messages(ChatMessages.parse(request.get("messages").toString()));
    }
    if (!request.get("prompt").isTextual()) {
      throw invalid("The prompt of a request is no text", "prompt");
    }
    return new Prompt.Text(request.get("prompt").textValue());
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

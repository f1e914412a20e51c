package io.sparkllama4.cli.spark;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Row;
import org.jspecify.annotations.Nullable;

/// The model's answers to the held-out tickets beside the right ones.
///
/// @param tickets in the order of the table
record DemoAnswers(List<Ticket> tickets) {
  private static final ObjectReader STRICT_JSON =
      new ObjectMapper().reader().with(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  /// One ticket with the answers to its three questions.
  ///
  /// @param text what the customer wrote
  /// @param right the right answers
  /// @param given the model's answers; one that failed is empty
  /// @param tokens prompt and generated tokens of the three calls
  record Ticket(String id, String language, String text, Answers right, Answers given, int tokens) {

    boolean queueIsRight() {
      return given.queue.equals(right.queue);
    }

    boolean jsonIsValid() {
      return jsonObject(given.fields) != null;
    }

    /// Whether all fields are right; the order of keys and spaces do not count.
    boolean fieldsAreRight() {
      JsonNode found = jsonObject(given.fields);
      return found != null && found.equals(jsonObject(right.fields));
    }

    boolean summaryIsRight() {
      return given.summary.equals(right.summary);
    }

    /// The questions with a wrong answer, as text.
    String wrong() {
      List<String> wrong = new ArrayList<>();
      if (!queueIsRight()) {
        wrong.add("queue");
      }
      if (!fieldsAreRight()) {
        wrong.add(jsonIsValid() ? "fields" : "JSON");
      }
      if (!summaryIsRight()) {
        wrong.add("summary");
      }
      return String.join(" ", wrong);
    }
  }

  /// An answer to each of the three questions.
  record Answers(String queue, String fields, String summary) {}

  DemoAnswers {
    tickets = List.copyOf(tickets);
  }

  /// Puts the rows of the query beside the tickets they are about.
  ///
  /// @param asked rows `id, language, text, queue, fields, summary`, right answers
  /// @param answered rows `id, queue, fields, summary` of `llama4_complete`
  static DemoAnswers of(List<Row> asked, List<Row> answered) {
    Map<String, Row> answers =
        answered.stream()
            .collect(java.util.stream.Collectors.toMap(row -> row.getAs("id"), row -> row));
    List<Ticket> tickets = new ArrayList<>();
    for (Row ticket : asked) {
      String id = ticket.getAs("id");
      Row row = answers.get(id);
      if (row == null || answers.size() != asked.size()) {
        throw new IllegalStateException(
            "Asked about "
                + asked.size()
                + " tickets, among them "
                + id
                + ", found answers to "
                + answers.size());
      }
      tickets.add(
          new Ticket(
              id,
              ticket.getAs("language"),
              ticket.getAs("text"),
              new Answers(ticket.getAs("queue"), ticket.getAs("fields"), ticket.getAs("summary")),
              new Answers(text(row, "queue"), text(row, "fields"), text(row, "summary")),
              tokens(row, "queue") + tokens(row, "fields") + tokens(row, "summary")));
    }
    return new DemoAnswers(tickets);
  }

  private static String text(Row row, String column) {
    Row answer = row.getAs(column);
    String text = answer.getAs("text");
    return text == null ? "" : text;
  }

  private static int tokens(Row row, String column) {
    Row answer = row.getAs(column);
    Row usage = answer.getAs("usage");
    int prompt = usage.getAs("prompt_tokens");
    int completion = usage.getAs("completion_tokens");
    return prompt + completion;
  }

  private static @Nullable JsonNode jsonObject(String text) {
    try {
      JsonNode found = STRICT_JSON.readTree(text);
      return found.isObject() ? found : null;
    } catch (JsonProcessingException notJson) {
      // That is the finding: it counts against the answer.
      return null;
    }
  }

  /// The share of tickets for which `holds`.
  double share(java.util.function.Predicate<Ticket> holds) {
    return (double) tickets.stream().filter(holds).count() / tickets.size();
  }
}

package io.sparkllama4.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sparkllama4.cli.Console;
import io.sparkllama4.cli.spark.Main;
import io.sparkllama4.examples.tickets.Ticket;
import io.sparkllama4.tensor.NativeArena;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The demo's answers, figures and files.
class DemoTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path scratch = Path.of("");

  private record Outcome(int status, String out, String err) {}

  private static Outcome demo(String... args) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    String[] words = new String[args.length + 1];
    words[0] = "demo";
    System.arraycopy(args, 0, words, 1, args.length);
    int status = Main.execute(new Console(out, err), words);
    return new Outcome(
        status, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }

  @Test
  void accuracyFollowsFromTheWrittenTable() throws IOException {
    Path written = scratch.resolve("answers");
    Outcome outcome = demo("--json", "--output", written.toString());
    assertThat(outcome.err).doesNotContain("Accuracy of");
    assertThat(outcome.status).isZero();

    JsonNode document = JSON.readTree(outcome.out);
    assertThat(document.get("schema").asText()).isEqualTo("spark-llama4.demo.v1");
    List<Ticket> tickets = HeldOutTicketsTest.heldOut();
    assertThat(document.get("rows").asInt()).isEqualTo(tickets.size());
    assertThat(document.at("/tokens/prompt").asLong()).isGreaterThan(100L * tickets.size());
    assertThat(document.at("/tokens/generated").asLong()).isGreaterThan(10L * tickets.size());
    assertThat(NativeArena.openBytes()).isZero();

    List<Row> rows = read(written);
    assertThat(rows).hasSameSizeAs(tickets);
    int queue = 0;
    int valid = 0;
    int fields = 0;
    long tokens = 0;
    for (int i = 0; i < rows.size(); i++) {
      Row row = rows.get(i);
      Ticket ticket = tickets.get(i);
      assertThat(row.<String>getAs("id")).isEqualTo(ticket.id());
      assertThat(row.<String>getAs("text")).isEqualTo(ticket.text());
      assertThat(row.<String>getAs("right_queue")).isEqualTo(ticket.queue().label());
      assertThat(row.<String>getAs("right_fields")).isEqualTo(ticket.fields().json());
      assertThat(row.<String>getAs("right_summary")).isEqualTo(ticket.summary());
      queue += row.<String>getAs("queue").equals(ticket.queue().label()) ? 1 : 0;
      fields += row.<String>getAs("fields").equals(ticket.fields().json()) ? 1 : 0;
      valid += row.<String>getAs("fields").matches("\\{.*}") ? 1 : 0;
      tokens += row.<Integer>getAs("tokens");
    }
    JsonNode accuracy = document.get("accuracy");
    assertThat(accuracy.get("queue").asDouble()).isEqualTo((double) queue / rows.size());
    assertThat(accuracy.get("valid_json").asDouble()).isEqualTo((double) valid / rows.size());
    // The model learnt one way to write the fields, so that equal text is equal JSON.
    assertThat(accuracy.get("fields").asDouble()).isEqualTo((double) fields / rows.size());
    assertThat(tokens)
        .isEqualTo(
            document.at("/tokens/prompt").asLong() + document.at("/tokens/generated").asLong());
  }

  private static List<Row> read(Path written) throws IOException {
    try (SparkSession session =
        SparkSession.builder()
            .master("local[1]")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.host", "127.0.0.1")
            .getOrCreate()) {
      return session.read().parquet(written.toUri().toString()).orderBy("id").collectAsList();
    }
  }

  @Test
  void printsTheTable() {
    Outcome outcome = demo("--rows", "3", "--show", "2");

    assertThat(outcome.out)
        .contains("|ticket", "|queue", "|JSON", "|summary", "|tokens")
        .contains("{\"product\":")
        .contains("The first 2 of 3")
        .contains("Right answers: queue")
        .contains("3 tickets, ");
  }

  @Test
  void refusesWhatMakesNoSense() throws IOException {
    assertThat(demo("--rows", "0").status).isEqualTo(2);
    assertThat(demo("--rows", "many").status).isEqualTo(2);
    Outcome existing = demo("--json", "--output", scratch.toString());
    assertThat(existing.status).isEqualTo(1);
    assertThat(JSON.readTree(existing.out).at("/error/key").asText()).isEqualTo("--output");
  }
}

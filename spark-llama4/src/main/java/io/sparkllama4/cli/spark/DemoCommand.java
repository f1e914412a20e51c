package io.sparkllama4.cli.spark;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sparkllama4.cli.CommandFailures;
import io.sparkllama4.cli.Console;
import io.sparkllama4.cli.OptionValues;
import io.sparkllama4.cli.OutputOptions;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.runtime.ModelHandle;
import io.sparkllama4.runtime.RuntimeOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `demo`: the bundled model answers the held-out tickets in Spark, and is marked.
@Command(
    name = "demo",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "The bundled small model answers held-out support tickets in Spark SQL.")
public final class DemoCommand implements Callable<Integer> {
  private static final double LEAST_QUEUE = 0.90;
  private static final double LEAST_VALID_JSON = 0.95;
  private static final double LEAST_FIELDS = 0.80;

  /// Tasks of the query: enough for Spark's progress bar to move.
  private static final int PARTITIONS = 8;

  private static final int TEXT_COLUMNS = 40;

  private final Console console;

  @Option(names = "--rows", paramLabel = "N", description = "Ask about the first N tickets only.")
  private @Nullable Integer rows;

  @Option(
      names = "--show",
      paramLabel = "N",
      defaultValue = "20",
      description = "Rows of the table to print (default: ${DEFAULT-VALUE}; 0 for none).")
  private int show;

  @Option(names = "--output", paramLabel = "DIR", description = "Write the result as Parquet.")
  private @Nullable Path output;

  @Mixin private OutputOptions printed = new OutputOptions();

  /// A command that answers on `console`.
  public DemoCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    checkOptions();
    Path model = Bundled.model();
    Path data = Bundled.tickets();
    String query = Files.readString(Bundled.file("examples/sql/tickets.sql"));
    ModelHandle.validate(model, RuntimeOptions.defaults());
    console.note(
        "Asking three questions of each ticket; the model is " + Bundled.home().relativize(model));
    try (LocalSession local =
        LocalSession.start("local[2]", Map.of("default", model), progress())) {
      return answer(local.session(), data, query);
    }
  }

  private void checkOptions() {
    if (rows != null && rows < 1) {
      throw OptionValues.wrong("--rows", rows, "an integer from 1");
    }
    if (show < 0) {
      throw OptionValues.wrong("--show", show, "an integer from 0");
    }
    if (output != null && Files.exists(output)) {
      throw ErrorReport.of(
              ErrorCode.INVALID_OPTION, output + " exists; the result goes into a new directory")
          .found("a file or directory", "a path that does not exist")
          .key("--output")
          .exception();
    }
  }

  private static Map<String, String> progress() {
    return Map.of("spark.ui.showConsoleProgress", "true");
  }

  private int answer(SparkSession session, Path data, String query) {
    Dataset<Row> tickets = session.read().parquet(data.toUri().toString()).orderBy("id");
    List<Row> asked = (rows == null ? tickets : tickets.limit(rows)).collectAsList();
    // Ranges keep the order of the file and give the progress bar several tasks.
    session
        .createDataFrame(asked, tickets.schema())
        .repartitionByRange(PARTITIONS, org.apache.spark.sql.functions.col("id"))
        .sortWithinPartitions("id")
        .createOrReplaceTempView("tickets");
    long start = System.nanoTime();
    Dataset<Row> result = session.sql(query);
    DemoAnswers answers = DemoAnswers.of(asked, result.collectAsList());
    double seconds = (System.nanoTime() - start) / 1e9;
    ObjectNode document =
        document(answers, new PlanFigures(result.queryExecution().executedPlan()), seconds);
    if (output != null) {
      table(session, answers, Integer.MAX_VALUE).write().parquet(output.toUri().toString());
      console.note("Wrote " + output);
    }
    if (printed.json()) {
      console.document(document);
    } else {
      print(session, answers, document);
    }
    return passes(document);
  }

  private static ObjectNode document(DemoAnswers answers, PlanFigures figures, double seconds) {
    ObjectNode document = JsonNodeFactory.instance.objectNode();
    document.put("schema", "spark-llama4.demo.v1").put("rows", answers.tickets().size());
    document
        .putObject("accuracy")
        .put("queue", answers.share(DemoAnswers.Ticket::queueIsRight))
        .put("valid_json", answers.share(DemoAnswers.Ticket::jsonIsValid))
        .put("fields", answers.share(DemoAnswers.Ticket::fieldsAreRight))
        .put("summary", answers.share(DemoAnswers.Ticket::summaryIsRight));
    document
        .putObject("tokens")
        .put("prompt", figures.sum("promptTokens"))
        .put("cached", figures.sum("cachedTokens"))
        .put("generated", figures.sum("generatedTokens"));
    return document.put("seconds", seconds);
  }

  private void print(SparkSession session, DemoAnswers answers, ObjectNode document) {
    int printed = Math.min(show, answers.tickets().size());
    if (printed > 0) {
      var table = (org.apache.spark.sql.classic.Dataset<Row>) brief(session, answers, printed);
      console.line(table.showString(printed, 0, false));
    }
    if (printed < answers.tickets().size()) {
      console.line(
          String.format(
              Locale.ROOT,
              "The first %d of %d; --show N prints more, --output DIR writes all as Parquet.",
              printed,
              answers.tickets().size()));
    }
    console.line(
        String.format(
            Locale.ROOT,
            "Right answers: queue %.1f %%, valid JSON %.1f %%, all fields %.1f %%, summary %.1f %%",
            100 * document.at("/accuracy/queue").doubleValue(),
            100 * document.at("/accuracy/valid_json").doubleValue(),
            100 * document.at("/accuracy/fields").doubleValue(),
            100 * document.at("/accuracy/summary").doubleValue()));
    console.line(
        String.format(
            Locale.ROOT,
            "%d tickets, %d prompt and %d generated tokens in %.1f s, loading included",
            answers.tickets().size(),
            document.at("/tokens/prompt").longValue(),
            document.at("/tokens/generated").longValue(),
            document.get("seconds").doubleValue()));
  }

  /// The table as it is printed: texts on one line, cut short.
  private static Dataset<Row> brief(SparkSession session, DemoAnswers answers, int count) {
    StructType columns =
        new StructType()
            .add("ticket", DataTypes.StringType)
            .add("queue", DataTypes.StringType)
            .add("JSON", DataTypes.StringType)
            .add("summary", DataTypes.StringType)
            .add("tokens", DataTypes.IntegerType)
            .add("wrong", DataTypes.StringType);
    List<Row> rows =
        answers.tickets().stream()
            .limit(count)
            .map(
                ticket ->
                    RowFactory.create(
                        shorten(ticket.text()),
                        ticket.given().queue(),
                        ticket.given().fields(),
                        ticket.given().summary(),
                        ticket.tokens(),
                        ticket.wrong()))
            .toList();
    return session.createDataFrame(rows, columns);
  }

  private static String shorten(String text) {
    String line = text.replaceAll("\\s+", " ");
    return line.length() <= TEXT_COLUMNS ? line : line.substring(0, TEXT_COLUMNS - 1) + "…";
  }

  /// The table as it is written: everything.
  private static Dataset<Row> table(SparkSession session, DemoAnswers answers, int count) {
    StructType columns = new StructType();
    for (String name :
        List.of(
            "id",
            "language",
            "text",
            "queue",
            "fields",
            "summary",
            "right_queue",
            "right_fields",
            "right_summary")) {
      columns = columns.add(name, DataTypes.StringType);
    }
    columns = columns.add("tokens", DataTypes.IntegerType);
    List<Row> rows =
        answers.tickets().stream()
            .limit(count)
            .map(
                ticket ->
                    RowFactory.create(
                        ticket.id(),
                        ticket.language(),
                        ticket.text(),
                        ticket.given().queue(),
                        ticket.given().fields(),
                        ticket.given().summary(),
                        ticket.right().queue(),
                        ticket.right().fields(),
                        ticket.right().summary(),
                        ticket.tokens()))
            .toList();
    return session.createDataFrame(rows, columns).coalesce(1);
  }

  private int passes(ObjectNode document) {
    // Each of them, so that all that falls short is told.
    boolean queue = reaches(document, "queue", LEAST_QUEUE);
    boolean valid = reaches(document, "valid_json", LEAST_VALID_JSON);
    boolean fields = reaches(document, "fields", LEAST_FIELDS);
    return queue && valid && fields ? 0 : CommandFailures.FAILED;
  }

  private boolean reaches(ObjectNode document, String name, double least) {
    double found = document.get("accuracy").get(name).doubleValue();
    if (found < least) {
      console.note(
          String.format(
              Locale.ROOT,
              "Accuracy of %s: found %.3f, expected %.2f or more",
              name,
              found,
              least));
    }
    return found >= least;
  }

  boolean isDebug() {
    return printed.debug();
  }
}

package io.sparkllama4.cli.spark;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sparkllama4.cli.CommandFailures;
import io.sparkllama4.cli.Console;
import io.sparkllama4.cli.OutputOptions;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.runtime.ModelHandle;
import io.sparkllama4.runtime.RuntimeOptions;
import io.sparkllama4.tensor.NativeArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.apache.spark.SparkThrowable;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.util.ArrowUtils;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `sql`: runs statements in a session with the functions.
@Command(
    name = "sql",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Runs SQL statements in a Spark session that has the functions.")
public final class SqlCommand implements Callable<Integer> {
  private final Console console;

  @Option(
      names = "--model",
      required = true,
      paramLabel = "[ALIAS=]DIR",
      description = "Checkpoint directory, with an alias where several are given; repeatable.")
  private List<String> models = List.of();

  @Mixin private SessionOptions spark = new SessionOptions();

  @Option(names = "-q", paramLabel = "SQL", description = "Statements, separated by ;")
  private @Nullable String query;

  @Option(names = "-f", paramLabel = "FILE", description = "A file of statements.")
  private @Nullable Path file;

  @Mixin private OutputOptions output = new OutputOptions();

  /// A command that answers on `console`.
  public SqlCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    List<String> statements = Statements.split(text());
    ObjectNode document = JsonNodeFactory.instance.objectNode();
    document.put("schema", "spark-llama4.sql.v1");
    ArrayNode results = document.putArray("statements");
    int loads = ModelHandle.loads();
    boolean failed = false;
    for (Path directory : aliases().values()) {
      // Before Spark starts, which would tell of it in pages of log.
      ModelHandle.validate(directory, RuntimeOptions.defaults());
    }
    try (LocalSession session = LocalSession.start(spark.master(), aliases(), spark.conf())) {
      for (String statement : statements) {
        ObjectNode result = run(session.session(), statement);
        failed |= !result.get("error").isNull();
        results.add(result);
      }
    }
    document.put("model_loads", ModelHandle.loads() - loads);
    document
        .putObject("memory_after_close")
        .put("arrow_bytes", ArrowUtils.rootAllocator().getAllocatedMemory())
        .put("native_bytes", NativeArena.openBytes());
    if (output.json()) {
      console.document(document);
    }
    return failed ? CommandFailures.FAILED : 0;
  }

  private String text() throws IOException {
    if ((query == null) == (file == null)) {
      throw new CommandFailures.UsageException(
          ErrorReport.of(ErrorCode.INVALID_OPTION, "Give one of -q and -f").key("-q"));
    }
    if (file == null) {
      return query == null ? "" : query;
    }
    if (!Files.isRegularFile(file)) {
      throw ErrorReport.of(ErrorCode.MISSING_FILE, "Cannot find " + file)
          .file(file.toString())
          .key("-f")
          .exception();
    }
    return Files.readString(file);
  }

  private Map<String, Path> aliases() {
    Map<String, Path> aliases = new LinkedHashMap<>();
    for (String given : models) {
      int equals = given.indexOf('=');
      boolean hasAlias = equals > 0 && given.substring(0, equals).matches("[A-Za-z0-9_-]+");
      aliases.put(
          hasAlias ? given.substring(0, equals) : "default",
          Path.of(hasAlias ? given.substring(equals + 1) : given));
    }
    return aliases;
  }

  private ObjectNode run(SparkSession session, String statement) {
    ObjectNode result = JsonNodeFactory.instance.objectNode();
    try {
      Dataset<Row> rows = session.sql(statement);
      List<Row> collected = new ArrayList<>(rows.collectAsList());
      if (!output.json() && rows.schema().length() > 0) {
        // A table of the rows that are here: showing the query itself would run it again.
        Dataset<Row> here = session.createDataFrame(collected, rows.schema());
        console.line(
            ((org.apache.spark.sql.classic.Dataset<Row>) here)
                .showString(collected.size(), 0, false));
      }
      result.set("columns", SparkValues.columns(rows.schema()));
      ArrayNode array = result.putArray("rows");
      for (Row row : collected) {
        array.add(SparkValues.values(row, rows.schema()));
      }
      figures(result, rows.queryExecution().executedPlan());
      result.putNull("error");
    } catch (Exception e) {
      if (output.debug()) {
        e.printStackTrace(console.progress());
      }
      failed(result, e);
    }
    return result;
  }

  private static void figures(ObjectNode result, SparkPlan plan) {
    PlanFigures figures = new PlanFigures(plan);
    result.put("plan", plan.toString()).put("operators", figures.operators());
    ObjectNode metrics = result.putObject("metrics");
    metrics.put("rows", figures.sum("rows"));
    metrics.put("calls", figures.sum("calls"));
    metrics.put("prompt_tokens", figures.sum("promptTokens"));
    metrics.put("cached_tokens", figures.sum("cachedTokens"));
    metrics.put("generated_tokens", figures.sum("generatedTokens"));
  }

  private void failed(ObjectNode result, Exception failure) {
    result.putArray("columns");
    result.putArray("rows");
    result.put("plan", "").put("operators", 0);
    ObjectNode metrics = result.putObject("metrics");
    for (String name :
        List.of("rows", "calls", "prompt_tokens", "cached_tokens", "generated_tokens")) {
      metrics.put(name, 0);
    }
    String condition = "";
    String state = "";
    String message = String.valueOf(failure.getMessage());
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof SparkThrowable known && known.getCondition() != null) {
        condition = known.getCondition();
        state = known.getSqlState() == null ? "" : known.getSqlState();
        message = String.valueOf(cause.getMessage());
      }
    }
    result
        .putObject("error")
        .put("condition", condition)
        .put("sqlState", state)
        .put("message", message);
    if (!output.json()) {
      console.note(message);
    }
  }
}

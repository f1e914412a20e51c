package io.sparkllama4.cli.spark;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sparkllama4.cli.Console;
import io.sparkllama4.cli.OptionValues;
import io.sparkllama4.cli.RunOptions;
import io.sparkllama4.cli.bench.BenchReport;
import io.sparkllama4.cli.bench.Sentences;
import io.sparkllama4.cli.bench.TextRows;
import io.sparkllama4.runtime.ModelHandle;
import io.sparkllama4.runtime.RuntimeOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `bench-spark`: a Spark job over short rows beside a bare engine on the same rows, in turn.
@Command(
    name = "bench-spark",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Measures what Spark costs: a job beside a bare engine on the same rows.")
public final class BenchSparkCommand implements Callable<Integer> {
  /// Rows of the round that compiles the code.
  private static final int WARM_UP_ROWS = 2_000;

  private final Console console;

  @Mixin private CheckpointOrBundled model = new CheckpointOrBundled();

  @Option(
      names = "--rows",
      paramLabel = "N",
      defaultValue = "20000",
      description = "Short rows (default: ${DEFAULT-VALUE}).")
  private int rows;

  @Option(
      names = "--out",
      paramLabel = "N",
      defaultValue = "16",
      description = "Most tokens generated for each (default: ${DEFAULT-VALUE}).")
  private int out;

  @Option(
      names = "--repeat",
      paramLabel = "N",
      defaultValue = "5",
      description = "Rounds (default: ${DEFAULT-VALUE}).")
  private int repeat;

  @Option(
      names = "--partitions",
      paramLabel = "N",
      defaultValue = "8",
      description = "Tasks of the job (default: ${DEFAULT-VALUE}).")
  private int partitions;

  @Mixin private SessionOptions spark = new SessionOptions();

  @Mixin private RunOptions run = new RunOptions();

  private final List<TextRows> engineRuns = new ArrayList<>();
  private final List<Double> sparkSeconds = new ArrayList<>();

  /// A command that answers on `console`.
  public BenchSparkCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws InterruptedException {
    OptionValues.requireAtLeast("--rows", rows, 1);
    OptionValues.requireAtLeast("--out", out, 1);
    OptionValues.requireAtLeast("--repeat", repeat, 1);
    OptionValues.requireAtLeast("--partitions", partitions, 1);
    RuntimeOptions options = run.runtime();
    Path directory = model.directory();
    ObjectNode document = JsonNodeFactory.instance.objectNode();
    document.put("schema", "spark-llama4.bench.v1").put("peer", "spark-llama4");
    BenchReport.describeMachine(document);
    try (ModelHandle bare = ModelHandle.open(directory, options);
        LocalSession local =
            LocalSession.start(spark.master(), Map.of("default", directory), conf(options))) {
      pair(bare, local.session(), 0, Math.min(rows, WARM_UP_ROWS));
      engineRuns.clear();
      sparkSeconds.clear();
      for (int round = 1; round <= repeat; round++) {
        console.note("Round " + round + " of " + repeat);
        pair(bare, local.session(), round, rows);
      }
      document.put("model", String.valueOf(directory.toAbsolutePath().getFileName()));
      document.put("threads", bare.backend().threads());
    }
    describe(document);
    if (run.json()) {
      console.document(document);
    } else {
      print(document);
    }
    return 0;
  }

  /// The job's engine is run as the bare one is.
  private Map<String, String> conf(RuntimeOptions options) {
    Map<String, String> all = new HashMap<>();
    String prefix = "spark.llama4.";
    all.put(prefix + "backend", options.backend());
    all.put(prefix + "kernels", options.kernels());
    all.put(prefix + "threads", Integer.toString(options.threads()));
    all.put(prefix + "weights", options.weights());
    if (options.weights().equals("int4")) {
      all.put(prefix + "weights.group", Integer.toString(options.int4Group()));
    }
    all.put(prefix + "strict", Boolean.toString(options.strict()));
    all.put(prefix + "batch.max", Integer.toString(options.engine().maxBatch()));
    all.put(prefix + "prefill.chunk", Integer.toString(options.engine().prefillChunk()));
    all.put(prefix + "kv.tokens", Integer.toString(options.engine().kvTokens()));
    all.put(prefix + "kv.dtype", options.kvDtype());
    if (!options.engine().prefixCache()) {
      all.put(prefix + "prefix.cache", "off");
    }
    all.putAll(spark.conf());
    return all;
  }

  /// Both on the same rows, which no round before had.
  private void pair(ModelHandle bare, SparkSession session, int series, int count)
      throws InterruptedException {
    List<String> texts = Sentences.make(series, count);
    TextRows answered = TextRows.answer(bare, texts, out);
    Dataset<Row> table =
        session.createDataset(texts, Encoders.STRING()).toDF("text").repartition(partitions);
    table.cache();
    try {
      if (table.count() != count) {
        throw new IllegalStateException("The table of rows is not whole");
      }
      table.createOrReplaceTempView("bench_rows");
      long start = System.nanoTime();
      long characters =
          session
              .sql(
                  "SELECT sum(length(answer)) FROM (SELECT llama4_generate(text, max_tokens => "
                      + out
                      + ") AS answer FROM bench_rows)")
              .first()
              .getLong(0);
      sparkSeconds.add((System.nanoTime() - start) * 1e-9);
      if (characters != answered.characters()) {
        throw new IllegalStateException(
            "The job's answers have ["
                + characters
                + "] characters, the engine's ["
                + answered.characters()
                + "]");
      }
    } finally {
      table.unpersist(true);
    }
    engineRuns.add(answered);
  }

  private void describe(ObjectNode document) {
    List<Double> engine = new ArrayList<>();
    List<Double> spark = new ArrayList<>();
    List<Double> ratios = new ArrayList<>();
    for (int round = 0; round < engineRuns.size(); round++) {
      TextRows bare = engineRuns.get(round);
      engine.add(bare.tokens() / bare.seconds());
      spark.add(bare.tokens() / sparkSeconds.get(round));
      ratios.add(bare.seconds() / sparkSeconds.get(round));
    }
    ArrayNode cases = document.putArray("cases");
    add(cases.addObject(), "engine_rows", engine);
    add(cases.addObject(), "spark_rows", spark);
    ratios.forEach(document.putArray("ratios")::add);
    document.put("ratio", BenchReport.median(ratios));
    TextRows last = engineRuns.getLast();
    document.put("prompt_tokens", last.promptTokens());
    document.put("generated_tokens", last.generatedTokens());
    document.put("encode_seconds", last.encodeSeconds());
  }

  private void add(ObjectNode entry, String name, List<Double> speeds) {
    entry.put("case", name).put("n", rows);
    speeds.forEach(entry.putArray("tokens_per_s")::add);
    double median = BenchReport.median(speeds);
    double tokens = engineRuns.getLast().tokens();
    entry.put("median", median).put("rows_per_s", median * rows / tokens);
  }

  private void print(ObjectNode document) {
    document
        .get("cases")
        .forEach(
            entry ->
                console.line(
                    String.format(
                        Locale.ROOT,
                        "%-12s %7d rows %10.1f tokens/s %9.1f rows/s",
                        entry.get("case").textValue(),
                        rows,
                        entry.get("median").doubleValue(),
                        entry.get("rows_per_s").doubleValue())));
    console.line(
        String.format(
            Locale.ROOT,
            "Spark job / bare engine: %.3f; turning the texts into ids takes one thread %.2f s",
            document.get("ratio").doubleValue(),
            document.get("encode_seconds").doubleValue()));
  }

  boolean isDebug() {
    return run.debug();
  }
}

package io.sparkllama4.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.sparkllama4.golden.Oracle;
import io.sparkllama4.runtime.ModelHandle;
import io.sparkllama4.tensor.NativeArena;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.BooleanSupplier;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;

/// One engine for all tasks of an executor: loaded once, fed by all, left clean.
class SharedEngineTest {
  /// Longer than any test runs; cut short by cancelling.
  private static final String LONG = "max_tokens => 4000, ignore_eos => true";

  @Test
  void fourTasksShareOneLoadAndItsSteps() {
    int loads = ModelHandle.loads();
    int rowsOfATask = 8;
    try (Application spark = Application.start("local[4]")) {
      List<Row> rows =
          spark.rows(
              "SELECT spark_partition_id(), llama4_complete(concat('row ', id), max_tokens => 64,"
                  + " ignore_eos => true) FROM range(0, 32, 1, 4)");
      assertThat(rows.stream().map(row -> row.getInt(0)).distinct()).hasSize(4);
      assertThat(rows)
          .hasSize(4 * rowsOfATask)
          .allSatisfy(row -> assertThat(row.getStruct(1).getStruct(2).getInt(1)).isEqualTo(64));
      assertThat(ModelHandle.loads() - loads).isEqualTo(1);
      assertThat(Application.stats().maxRowsPerStep()).isGreaterThan(rowsOfATask);
      assertThat(NativeArena.openBytes()).isPositive();
      Leftovers.checkTasks();
    }
    assertThat(ModelHandle.loads() - loads).isEqualTo(1);
    Leftovers.checkApplication();
  }

  @Test
  void aSecondApplicationLoadsAgainAndAnswersTheSame() {
    int loads = ModelHandle.loads();
    String query = "SELECT llama4_generate(concat('row ', id), max_tokens => 4) FROM range(4)";
    List<String> first;
    try (Application spark = Application.start("local[2]")) {
      first = spark.texts(query);
    }
    Leftovers.checkApplication();
    try (Application spark = Application.start("local[2]")) {
      assertThat(spark.texts(query)).isEqualTo(first);
      assertThat(ModelHandle.loads() - loads).isEqualTo(2);
    }
    Leftovers.checkApplication();
  }

  @Test
  void tasksThatEndEarlyLeaveNothingBehind() throws InterruptedException {
    try (Application spark = Application.start("local[2]")) {
      Dataset<Row> query =
          spark.sql(
              "SELECT y FROM (SELECT llama4_generate(concat('row ', id), ignore_eos => true,"
                  + " max_tokens => IF(id = 0, 2, 4000)) AS y FROM range(0, 100, 1, 1))"
                  + " WHERE length(y) >= 0");
      assertThat(query.limit(1).collectAsList()).hasSize(1);
      assertThat(query.takeAsList(1)).hasSize(1);
      checkIdle(spark);
    }
    Leftovers.checkApplication();
  }

  /// Rows that a task took until its first came out.
  private static long taken(Application spark) {
    Dataset<Row> query =
        spark.sql(
            "SELECT y FROM (SELECT llama4_generate(concat('row ', id), ignore_eos => true,"
                + " max_tokens => IF(id = 0, 4000, 2)) AS y FROM range(0, 100, 1, 1)) WHERE length(y) >= 0 LIMIT 1");
    assertThat(query.collectAsList()).hasSize(1);
    return Operators.of(query).sum("rows");
  }

  @Test
  void answeredRowsBehindASlowOneMakeRoom() {
    try (Application spark =
        Application.start(
            "local[2]",
            Map.of(
                "spark.llama4.model", Oracle.resources().resolve("scout").toString(),
                "spark.llama4.kv.tokens", "20000",
                "spark.llama4.window.rows", "16"))) {
      assertThat(taken(spark)).isEqualTo(4 * 16);
    }
    Leftovers.checkApplication();
  }

  @Test
  void cancelledTasksLeaveNothingBehind() throws InterruptedException {
    try (Application spark = Application.start("local[2]")) {
      spark.texts("SELECT llama4_generate('first', max_tokens => 1)");
      long steps = Application.stats().steps();
      CompletableFuture<List<Row>> query =
          CompletableFuture.supplyAsync(
              () -> {
                spark.session().sparkContext().setJobGroup("doomed", "", false);
                return spark.rows(
                    "SELECT llama4_generate(concat('row ', id), "
                        + LONG
                        + ") FROM range(0, 64, 1, 2)");
              });
      await(() -> Application.stats().steps() > steps + 10);
      spark.session().sparkContext().cancelJobGroup("doomed");
      assertThat(catchThrowable(query::get))
          .isInstanceOf(ExecutionException.class)
          .rootCause()
          .hasMessageContaining("doomed");
      checkIdle(spark);
    }
    Leftovers.checkApplication();
  }

  @Test
  void anApplicationMayEndWhileATaskWaits() throws InterruptedException {
    CompletableFuture<List<Row>> query;
    try (Application spark = Application.start("local[2]")) {
      spark.texts("SELECT llama4_generate('first', max_tokens => 1)");
      long steps = Application.stats().steps();
      query =
          CompletableFuture.supplyAsync(
              () -> spark.rows("SELECT llama4_generate(string(id), " + LONG + ") FROM range(4)"));
      await(() -> Application.stats().steps() > steps + 10);
    }
    assertThat(catchThrowable(query::get)).isInstanceOf(ExecutionException.class);
    await(() -> NativeArena.openBytes() == 0);
    Leftovers.checkApplication();
  }

  /// The engine has nothing left to do, and does what comes next.
  private static void checkIdle(Application spark) throws InterruptedException {
    await(SharedEngineTest::isIdle);
    Leftovers.checkTasks();
    assertThat(spark.texts("SELECT llama4_generate('next', max_tokens => 2)")).hasSize(1);
  }

  private static boolean isIdle() {
    long steps = Application.stats().steps();
    sleep(300);
    return Application.stats().steps() == steps;
  }

  private static void await(BooleanSupplier condition) throws InterruptedException {
    Instant deadline = Instant.now().plus(Duration.ofSeconds(60));
    while (!condition.getAsBoolean()) {
      assertThat(Instant.now()).as("patience").isBefore(deadline);
      Thread.sleep(5);
    }
  }

  private static void sleep(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}

package io.sparkllama4.spark;

import static org.assertj.core.api.Assertions.assertThat;

import io.sparkllama4.engine.Completion;
import io.sparkllama4.engine.Engine;
import io.sparkllama4.engine.EngineStats;
import io.sparkllama4.engine.PromptBatch;
import io.sparkllama4.engine.SamplingParams;
import io.sparkllama4.engine.Submission;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.golden.Oracle;
import io.sparkllama4.plugin.ExecutorEngines;
import io.sparkllama4.runtime.StatementAnswers;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Equal rows of one statement are one call; those of another, or that want something else, are
/// not.
class EqualRowsTest {
  private static final String ROWS =
      "(SELECT id, concat('row ', id % 5) AS p FROM range(0, 40, 1, 4))";

  private Application spark = Application.start("local[4]", conf("64m"));

  private static Map<String, String> conf(String answers) {
    return Map.of(
        "spark.llama4.model",
        Oracle.resources().resolve("scout").toString(),
        "spark.llama4.models.same",
        Oracle.resources().resolve("scout").toString(),
        "spark.llama4.kv.tokens",
        "20000",
        "spark.llama4.answers.bytes",
        answers);
  }

  @AfterEach
  void stop() {
    spark.close();
    Leftovers.checkApplication();
  }

  private void check(String call, long calls) {
    Dataset<Row> query = spark.sql("SELECT id, " + call + " FROM " + ROWS);
    EngineStats before = Application.stats();
    List<Row> rows = query.collectAsList();
    EngineStats after = Application.stats();
    assertThat(rows).hasSize(40);
    Operators inference = Operators.of(query);
    assertThat(inference.sum("rows")).isEqualTo(40);
    assertThat(inference.sum("calls")).as(call).isEqualTo(calls);
    assertThat(inference.sum("promptTokens") - inference.sum("cachedTokens"))
        .isEqualTo(after.prefillTokens() - before.prefillTokens());
    assertThat(inference.sum("generatedTokens"))
        .isEqualTo(after.generatedTokens() - before.generatedTokens());
    Leftovers.checkTasks();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "llama4_generate(p, max_tokens => 3) | 5",
        "llama4_complete(p, max_tokens => 3, temperature => 1) | 5",
        "llama4_generate(p, max_tokens => 3, temperature => 1, seed => id) | 40",
        "llama4_generate(p, max_tokens => CAST(id % 2 + 1 AS INT)) | 10",
        "llama4_score(p, ' and more') | 5",
        "llama4_classify(p, array('a', 'b')) | 5",
        "llama4_classify(p, array('a', string(id))) | 40",
      })
  void areComputedOnce(String call, long calls) {
    check(call, calls);
    check(call, calls);
  }

  @Test
  void areComputedEachTimeWhereNothingIsKept() {
    List<Row> shared = spark.rows("SELECT id, llama4_generate(p, max_tokens => 3) FROM " + ROWS);
    spark.close();
    spark = Application.start("local[4]", conf("0"));
    assertThat(spark.rows("SELECT id, llama4_generate(p, max_tokens => 3) FROM " + ROWS))
        .containsExactlyInAnyOrderElementsOf(shared);
    check("llama4_generate(p, max_tokens => 3)", 40);
  }

  @Test
  void ofSeveralOperatorsToo() {
    Dataset<Row> query =
        spark.sql(
            "SELECT llama4_generate(p, max_tokens => 3) FROM "
                + ROWS
                + " UNION ALL SELECT llama4_generate(p, max_tokens => 3) FROM "
                + ROWS
                + " UNION ALL SELECT llama4_generate(p, max_tokens => 3, model => 'same') FROM "
                + ROWS);
    assertThat(query.collectAsList()).hasSize(120);
    assertThat(Operators.of(query).sum("calls")).isEqualTo(10);
  }

  @Test
  void failedRowsAreAskedAgain() {
    Dataset<Row> query =
        spark.sql("SELECT llama4_complete(p, timeout => 1e-9).error.code FROM " + ROWS);
    assertThat(query.collectAsList())
        .hasSize(40)
        .allMatch(row -> row.getString(0).equals("TIMEOUT"));
    StatementAnswers answers = ExecutorEngines.get().answers();
    assertThat(answers.bytes()).isZero();
  }

  private static StatementAnswers.Key key(int id) {
    return new StatementAnswers.Key(
        "s", "default", new PromptBatch.Generate(SamplingParams.DEFAULT), 0, new int[] {id});
  }

  private static PromptBatch.Generate longOne() {
    return new PromptBatch.Generate(
        new SamplingParams(
            4000, 0, 1, 0, 0, 0, 0, 1, 0, List.of(), List.of(), true, SamplingParams.NO_LOGPROBS));
  }

  @Test
  void whoseTaskEndedAreAskedByThoseWhoWait() throws InterruptedException {
    StatementAnswers answers = new StatementAnswers(100_000);
    StatementAnswers.Claim first = answers.claim(key(1));
    StatementAnswers.Claim second = answers.claim(key(1));
    assertThat(first.isMine()).isTrue();
    assertThat(second.isMine()).isFalse();
    assertThat(second.answer().await(1)).isEqualTo(StatementAnswers.State.PENDING);
    first.answer().abandon();
    assertThat(second.answer().await(1)).isEqualTo(StatementAnswers.State.LOST);

    StatementAnswers.Claim third = answers.claim(key(1));
    assertThat(third.isMine()).isTrue();
    Engine engine = ExecutorEngines.get().engines().model("default").engine();
    Submission submission = engine.submit(new OneRow(new int[] {1}, longOne()), "test");
    third.answer().attach(submission, 0);
    StatementAnswers.Claim fourth = answers.claim(key(1));
    assertThat(fourth.isMine()).isFalse();
    assertThat(fourth.answer().await(1)).isEqualTo(StatementAnswers.State.PENDING);
    submission.cancel();
    assertThat(fourth.answer().await(1)).isEqualTo(StatementAnswers.State.LOST);
    assertThat(answers.claim(key(1)).isMine()).isTrue();
  }

  @Test
  void areKeptWithinTheirMemoryAndTheOldestGoFirst() throws InterruptedException {
    StatementAnswers answers = new StatementAnswers(10_000);
    Engine engine = ExecutorEngines.get().engines().model("default").engine();
    PromptBatch.Generate task =
        new PromptBatch.Generate(
            new SamplingParams(
                2, 0, 1, 0, 0, 0, 0, 1, 0, List.of(), List.of(), true, SamplingParams.NO_LOGPROBS));
    Submission submission = engine.submit(new OneRow(new int[] {1}, task), "test");
    Completion completion = submission.await(0);
    for (int id = 0; id < 100; id++) {
      StatementAnswers.Claim claim = answers.claim(key(id));
      assertThat(claim.isMine()).isTrue();
      claim.answer().attach(submission, 0);
      assertThat(claim.answer().await(1)).isEqualTo(StatementAnswers.State.READY);
      assertThat(answers.take(claim.answer())).isSameAs(completion);
      assertThat(answers.bytes()).isBetween(1L, 10_000L);
      // One that is asked for again and again stays.
      assertThat(answers.claim(key(0)).isMine()).isFalse();
    }
    assertThat(answers.claim(key(99)).isMine()).isFalse();
    assertThat(answers.claim(key(1)).isMine()).isTrue();
  }

  @Test
  void thatFailedAreOfNoUseToOthers() throws InterruptedException {
    StatementAnswers answers = new StatementAnswers(10_000);
    Engine engine = ExecutorEngines.get().engines().model("default").engine();
    Submission submission = engine.submit(new OneRow(new int[] {-1}, longOne()), "test");
    StatementAnswers.Claim claim = answers.claim(key(1));
    claim.answer().attach(submission, 0);
    assertThat(answers.claim(key(1)).isMine()).as("before it was taken").isTrue();
    StatementAnswers.Claim second = answers.claim(key(2));
    second.answer().attach(submission, 0);
    assertThat(second.answer().await(1)).isEqualTo(StatementAnswers.State.READY);
    assertThat(answers.take(second.answer()).error().orElseThrow().code())
        .isEqualTo(ErrorCode.INVALID_OPTION);
    assertThat(answers.claim(key(2)).isMine()).as("after it was taken").isTrue();
  }
}

package io.sparkllama4.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.sparkllama4.error.Llama4Exception;
import io.sparkllama4.golden.Oracle;
import io.sparkllama4.runtime.ModelHandle;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What the driver refuses before any task starts.
class DriverChecksTest {
  private static final String MODEL = Oracle.resources().resolve("dense").toString();

  private static final String LIBRARY = "spark.llama4.cuda.library";

  @TempDir Path folder;

  @AfterEach
  void leavesNothing() {
    System.clearProperty(LIBRARY);
    assertThat(SparkSession.getDefaultSession().isEmpty()).as("no session is left").isTrue();
    Leftovers.checkApplication();
  }

  private static Llama4Exception refusal(Map<String, String> conf) {
    return refusal("local[2]", conf);
  }

  private static Llama4Exception refusal(String master, Map<String, String> conf) {
    int loads = ModelHandle.loads();
    Throwable failure = catchThrowable(() -> Application.start(master, conf).close());
    assertThat(failure).isInstanceOf(Llama4Exception.class);
    assertThat(ModelHandle.loads()).isEqualTo(loads);
    return (Llama4Exception) failure;
  }

  @ParameterizedTest
  @CsvSource({
    "spark.llama4.kernels, quick, INVALID_OPTION",
    "spark.llama4.backend, tpu, INVALID_OPTION",
    "spark.llama4.threads, -1, INVALID_OPTION",
    "spark.llama4.threads, many, INVALID_OPTION",
    "spark.llama4.weights, int3, INVALID_OPTION",
    "spark.llama4.ranks, 0, INVALID_OPTION",
    "spark.llama4.ranks, 64, UNSUPPORTED_FEATURE",
    "spark.llama4.strict, yes, INVALID_OPTION",
    "spark.llama4.batch.max, 0, INVALID_OPTION",
    "spark.llama4.prefill.chunk, -1, INVALID_OPTION",
    "spark.llama4.kv.tokens, 1.5, INVALID_OPTION",
    "spark.llama4.seed, random, INVALID_OPTION",
    "spark.llama4.window.rows, 0, INVALID_OPTION",
    "spark.llama4.window.row, 8, UNKNOWN_OPTION",
    "spark.llama4.model, /no/such/directory, MISSING_FILE",
    "spark.llama4.models.other, /no/such/directory, MISSING_FILE",
  })
  void aWrongValueEndsTheApplicationWithItsKey(String key, String value, String code) {
    Map<String, String> conf = new HashMap<>(Map.of("spark.llama4.model", MODEL));
    conf.put(key, value);
    Llama4Exception failure = refusal(conf);
    assertThat(failure.code().name()).isEqualTo(code);
    assertThat(failure.report().key()).isEqualTo(key);
    assertThat(failure.getMessage()).contains(code, key).doesNotContain("--");
  }

  /// Spark's local mode would wait for ever, without a word.
  @ParameterizedTest
  @ValueSource(strings = {"local", "local[2]", "local[*]"})
  void aTasksPartOfAGpuIsRefusedInLocalMode(String master) {
    String key = "spark.task.resource.gpu.amount";
    Map<String, String> conf =
        Map.of("spark.llama4.model", MODEL, key, "0.25", "spark.executor.resource.gpu.amount", "1");
    Llama4Exception failure = refusal(master, conf);
    assertThat(failure.code().name()).isEqualTo("INVALID_OPTION");
    assertThat(failure.report().key()).isEqualTo(key);
    assertThat(failure.getMessage())
        .contains("No task would ever start", "[0.25 with the master " + master + "]", "not set");
  }

  @Test
  void aBrokenModelEndsTheApplication() {
    Llama4Exception failure =
        refusal(
            Map.of(
                "spark.llama4.model",
                MODEL,
                "spark.llama4.models.text",
                Oracle.resources().resolve("text").toString()));
    assertThat(failure.code().name()).isEqualTo("MISSING_FILE");
    assertThat(failure.report().key()).isEqualTo("spark.llama4.models.text");
    assertThat(failure.report().file()).isEqualTo("config.json");
  }

  @Test
  void anApplicationWithoutAModelStartsAndSaysWhatIsMissing() {
    try (Application spark = Application.start("local[1]", Map.of())) {
      assertThat(spark.rows("SELECT 1")).hasSize(1);
      Failures failure = Failures.of(() -> spark.rows("SELECT llama4_generate('a')"));
      assertThat(failure.condition()).isEqualTo("LLAMA4_UNKNOWN_MODEL");
      assertThat(failure.message()).contains("spark.llama4.models.");
    }
  }

  @Test
  void functionsWithoutThePluginSayWhatIsMissing() {
    try (Application spark = Application.start("local[1]", Map.of("spark.plugins", ""))) {
      Failures failure = Failures.of(() -> spark.rows("SELECT llama4_generate('a')"));
      assertThat(failure.condition()).isEqualTo("LLAMA4_UNSUPPORTED_FEATURE");
      assertThat(failure.message()).contains("spark.plugins=" + Application.PLUGIN);
    }
  }

  /// The driver cannot know what memory executors have.
  @Test
  void aModelThatDoesNotFitFailsItsQueriesWithTheKeyThatHelps() {
    Map<String, String> conf =
        Map.of("spark.llama4.model", MODEL, "spark.llama4.kv.tokens", "2000000000");
    try (Application spark = Application.start("local[1]", conf)) {
      Failures failure = Failures.of(() -> spark.rows("SELECT llama4_generate('a')"));
      assertThat(failure.condition()).isEqualTo("LLAMA4_NOT_ENOUGH_MEMORY");
      assertThat(failure.message()).contains("spark.llama4.kv.tokens").doesNotContain("--");
      assertThat(spark.rows("SELECT 1")).hasSize(1);
    }
  }

  /// Nor which devices they have.
  @Test
  void aDriverThatIsNotThereFailsItsQueriesWithTheKeysThatHelp() {
    String library = folder.resolve("libcuda-of-nobody.so").toString();
    Map<String, String> conf =
        Map.of("spark.llama4.model", MODEL, "spark.llama4.backend", "cuda", LIBRARY, library);
    try (Application spark = Application.start("local[1]", conf)) {
      Failures failure = Failures.of(() -> spark.rows("SELECT llama4_generate('a')"));
      assertThat(failure.condition()).isEqualTo("LLAMA4_BACKEND_UNAVAILABLE");
      assertThat(failure.message())
          .contains("no CUDA driver: cannot open [" + library + "]")
          .contains("key [spark.llama4.backend]", LIBRARY)
          .doesNotContain("--");
    }
  }

  @Test
  void severalModelsAreNamedByAlias() {
    Map<String, String> conf =
        Map.of(
            "spark.llama4.models.a",
            MODEL,
            "spark.llama4.models.b",
            Oracle.resources().resolve("new-config").toString(),
            "spark.llama4.kv.tokens",
            "2000");
    int loads = ModelHandle.loads();
    try (Application spark = Application.start("local[1]", conf)) {
      assertThat(
              spark
                  .rows(
                      "SELECT llama4_complete('x', model => 'a', max_tokens => 1).model,"
                          + " llama4_complete('x', model => 'b', max_tokens => 1).model")
                  .getFirst())
          .hasToString("[a,b]");
      assertThat(ModelHandle.loads() - loads).isEqualTo(2);
      assertThat(Failures.of(() -> spark.rows("SELECT llama4_generate('x')")).message())
          .contains("a, b");
    }
  }
}

package io.sparkllama4.spark;

import io.sparkllama4.engine.Completion;
import io.sparkllama4.engine.PromptBatch;
import io.sparkllama4.plugin.ExecutorEngines;
import io.sparkllama4.runtime.ContentSeed;
import io.sparkllama4.runtime.GenerationOptions;
import io.sparkllama4.runtime.ModelHandle;
import io.sparkllama4.runtime.Prompt;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.api.java.UDF2;
import org.apache.spark.sql.types.DataTypes;
import org.jspecify.annotations.Nullable;

/// What the model answers, as a plain function of Spark that knows nothing of lifted calls: a query
/// over it is what a query with calls is compared with. Each answer is computed once, alone, by the
/// engine itself, and then looked up.
final class Answers {
  /// The function's name in SQL.
  static final String FUNCTION = "looked_up";

  private static final Map<Asked, String> KNOWN = new ConcurrentHashMap<>();

  private record Asked(String prompt, int maxTokens) {}

  private Answers() {}

  /// Registers the function, and forgets what another model answered.
  static void register(SparkSession session) {
    KNOWN.clear();
    UDF2<@Nullable String, @Nullable Integer, @Nullable String> function = Answers::lookUp;
    session.udf().register(FUNCTION, function, DataTypes.StringType);
  }

  /// `sql` with every call replaced by a look-up.
  static String reference(String sql) {
    return sql.replace("try_llama4_generate(", FUNCTION + "(")
        .replace("llama4_generate(", FUNCTION + "(")
        .replace("max_tokens => ", "");
  }

  private static @Nullable String lookUp(@Nullable String prompt, @Nullable Integer maxTokens) {
    if (prompt == null) {
      return null;
    }
    if (maxTokens == null) {
      throw new IllegalArgumentException("max_tokens is NULL");
    }
    return KNOWN.computeIfAbsent(new Asked(prompt, maxTokens), Answers::ask);
  }

  private static String ask(Asked asked) {
    ModelHandle model = ExecutorEngines.get().engines().model("default");
    int[] ids = model.encoder().encode(new Prompt.Text(asked.prompt), false);
    GenerationOptions options = GenerationOptions.NONE.with("max_tokens", asked.maxTokens);
    PromptBatch.Task task = new PromptBatch.Generate(options.params(ContentSeed.of(0, ids)));
    try {
      Completion answer = model.engine().submit(new OneRow(ids, task), "reference").await(0);
      if (answer.error().isPresent()) {
        throw new IllegalStateException(answer.error().get().message());
      }
      return answer.text();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while a reference answer was computed", e);
    }
  }
}

package io.sparkllama4.spark;

import io.sparkllama4.engine.Completion;
import io.sparkllama4.engine.PromptBatch;
import io.sparkllama4.plugin.ExecutorEngines;
import io.sparkllama4.runtime.GenerationOptions;
import io.sparkllama4.runtime.ModelHandle;
import io.sparkllama4.runtime.Prompt;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.spark.sql.api.java.UDF1;
import org.jspecify.annotations.Nullable;

/// What the model answers to a prompt with two tokens, asked of the engine itself, once for each
/// prompt: the reference for queries with calls.
final class AnswerOf implements UDF1<String, String> {
  private static final long serialVersionUID = 1L;

  private static final Map<String, String> ANSWERS = new ConcurrentHashMap<>();

  @Override
  public @Nullable String call(@Nullable String prompt) {
    return prompt == null ? null : ANSWERS.computeIfAbsent(prompt, AnswerOf::ask);
  }

  private static String ask(String prompt) {
    ModelHandle model = ExecutorEngines.get().engines().model("default");
    int[] ids = model.encoder().encode(new Prompt.Text(prompt), false);
    var params = GenerationOptions.NONE.with("max_tokens", 2).params(0);
    try {
      Completion completion =
          model
              .engine()
              .submit(new OneRow(ids, new PromptBatch.Generate(params)), "reference")
              .await(0);
      return completion.text();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}

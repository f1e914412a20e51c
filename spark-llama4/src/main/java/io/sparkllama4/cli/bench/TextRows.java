package io.sparkllama4.cli.bench;

import io.sparkllama4.engine.Completion;
import io.sparkllama4.runtime.GenerationOptions;
import io.sparkllama4.runtime.ModelHandle;
import io.sparkllama4.runtime.Prompt;
import java.util.ArrayList;
import java.util.List;

/// Texts that a bare engine continues greedily: what a job around the engine is compared with.
///
/// @param encodeSeconds how long one thread took to turn the texts into ids
/// @param seconds how long the engine took, from ids to answers
/// @param promptTokens tokens of all prompts
/// @param generatedTokens tokens of all answers
/// @param characters of all answers, to compare another's with
public record TextRows(
    double encodeSeconds,
    double seconds,
    long promptTokens,
    long generatedTokens,
    long characters) {

  /// Continues `texts` by at most `maxTokens` tokens each, as the functions do.
  public static TextRows answer(ModelHandle model, List<String> texts, int maxTokens)
      throws InterruptedException {
    GenerationOptions options = GenerationOptions.NONE.with("max_tokens", maxTokens);
    long start = System.nanoTime();
    List<int[]> prompts = new ArrayList<>(texts.size());
    for (String text : texts) {
      prompts.add(model.encode(new Prompt.Text(text), options, maxTokens));
    }
    long encoded = System.nanoTime();
    List<Completion> answers =
        new Rows(prompts, new io.sparkllama4.engine.PromptBatch.Generate(options.params(0)))
            .answers(model.engine());
    long end = System.nanoTime();
    return new TextRows(
        (encoded - start) * 1e-9,
        (end - encoded) * 1e-9,
        answers.stream().mapToLong(answer -> answer.usage().promptTokens()).sum(),
        answers.stream().mapToLong(answer -> answer.usage().completionTokens()).sum(),
        answers.stream().mapToLong(a -> a.text().codePointCount(0, a.text().length())).sum());
  }

  /// Tokens of prompts and answers.
  public long tokens() {
    return promptTokens + generatedTokens;
  }
}

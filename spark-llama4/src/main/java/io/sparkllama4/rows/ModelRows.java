package io.sparkllama4.rows;

import io.sparkllama4.engine.PromptBatch;
import io.sparkllama4.engine.RowError;
import io.sparkllama4.error.Llama4Exception;
import io.sparkllama4.runtime.ContentSeed;
import io.sparkllama4.runtime.GenerationOptions;
import io.sparkllama4.runtime.ModelHandle;
import io.sparkllama4.runtime.Prompt;
import io.sparkllama4.runtime.PromptEncoder;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.types.StringType;

/// Rows of the functions that ask a model.
///
/// @param plan the call
/// @param model who answers
/// @param querySeed from which rows without a seed derive theirs
record ModelRows(CallPlan plan, ModelHandle model, long querySeed) implements RowEncoder {
  @Override
  public Encoded encode(InternalRow arguments) {
    if (RowEncoder.hasNull(plan, arguments)) {
      return new Known(null);
    }
    ResultValues.Context context = ResultValues.Context.NONE;
    try {
      GenerationOptions options = RowOptions.read(plan, arguments);
      context = context.onLongPrompt(options.onLongPrompt());
      Request request =
          switch (plan.kind()) {
            case GENERATE, TRY_GENERATE, COMPLETE, CHAT -> generate(arguments, options, context);
            case CLASSIFY -> classify(arguments, options, context);
            case SCORE -> score(arguments, options, context);
            case TOKENS, COUNT_TOKENS ->
                throw new IllegalStateException(plan.kind() + " asks no model");
          };
      int tokens = request.ids().length;
      return tokens > model.engine().longestPrompt(request.task())
          ? new Refused(
              model.engine().promptTooLong(tokens, request.task()), tokens, request.context())
          : request;
    } catch (Llama4Exception e) {
      return new Refused(new RowError(e.code(), e.report().describe()), 0, context);
    }
  }

  private Request generate(
      InternalRow arguments, GenerationOptions options, ResultValues.Context context) {
    int maxTokens = options.params(0).maxTokens();
    int[] ids = model.encode(prompt(arguments), options, maxTokens);
    long seed = options.seed().orElseGet(() -> ContentSeed.of(querySeed, ids));
    PromptBatch.Task task = new PromptBatch.Generate(options.params(seed));
    return new Request(ids, task, options.timeoutNanos(), context.seed(seed));
  }

  private Prompt prompt(InternalRow arguments) {
    return plan.types().getFirst() instanceof StringType
        ? new Prompt.Text(RowEncoder.text(arguments, 0))
        : new Prompt.Messages(MessageColumns.read(arguments.getArray(0), plan.types().getFirst()));
  }

  private Request classify(
      InternalRow arguments, GenerationOptions options, ResultValues.Context context) {
    Labels labels = Labels.read(arguments.getArray(1));
    labels.requireDescribed(options.descriptions());
    List<int[]> ids = labels.names().stream().map(model.encoder()::alone).toList();
    PromptBatch.Choose task = new PromptBatch.Choose(ids);
    String text = RowEncoder.text(arguments, 0);
    Prompt asked = new Prompt.Asked(labels.question(options), text);
    int[] prompt = model.encode(asked, options, task.longest());
    return new Request(
        prompt,
        task,
        options.timeoutNanos(),
        context.labels(new LabelScores(labels.names(), lengths(ids), options.isPerToken())));
  }

  private static List<Integer> lengths(List<int[]> ids) {
    return ids.stream().map(label -> label.length).toList();
  }

  private Request score(
      InternalRow arguments, GenerationOptions options, ResultValues.Context context) {
    int[] continuation = model.encoder().alone(RowEncoder.text(arguments, 1));
    if (continuation.length == 0) {
      throw PromptEncoder.empty("continuation", "there is nothing to score");
    }
    Prompt asked = new Prompt.Text(RowEncoder.text(arguments, 0));
    int[] prompt = model.encoder().encode(asked, options.isRaw());
    int[] ids = IntStream.concat(IntStream.of(prompt), IntStream.of(continuation)).toArray();
    PromptBatch.Task task = new PromptBatch.Score(prompt.length, 0);
    return new Request(ids, task, options.timeoutNanos(), context);
  }
}

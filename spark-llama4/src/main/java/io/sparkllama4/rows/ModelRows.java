package io.sparkllama4.rows;

import io.sparkllama4.engine.PromptBatch;
import io.sparkllama4.engine.RowError;
import io.sparkllama4.error.Llama4Exception;
import io.sparkllama4.runtime.ContentSeed;
import io.sparkllama4.runtime.GenerationOptions;
import io.sparkllama4.runtime.ModelHandle;
import io.sparkllama4.runtime.Prompt;
import io.sparkllama4.runtime.PromptEncoder;
import java.util.stream.IntStream;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.types.StringType;
import org.jspecify.annotations.Nullable;

/// Rows of the functions that ask a model. Confined to its task's thread.
final class ModelRows implements RowEncoder {
  private final CallPlan plan;
  private final ModelHandle model;
  private final long querySeed;
  private @Nullable LabelQuestion asked;

  /// Rows of one call.
  ///
  /// @param plan the call
  /// @param model who answers
  /// @param querySeed from which rows without a seed derive theirs
  ModelRows(CallPlan plan, ModelHandle model, long querySeed) {
    this.plan = plan;
    this.model = model;
    this.querySeed = querySeed;
  }

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
    LabelQuestion question = asked;
    if (question == null || !question.isOf(labels, options)) {
      question = LabelQuestion.of(labels, options, model.encoder());
      asked = question;
    }
    Prompt prompt = new Prompt.Asked(question.text(), RowEncoder.text(arguments, 0));
    return new Request(
        model.encode(prompt, options, question.task().longest()),
        question.task(),
        options.timeoutNanos(),
        context.labels(question.scores()));
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

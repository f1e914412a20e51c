package io.sparkllama4.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sparkllama4.engine.Completion;
import io.sparkllama4.engine.PromptBatch;
import io.sparkllama4.engine.SamplingParams;
import io.sparkllama4.engine.TokenLogprob;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.runtime.ModelHandle;
import io.sparkllama4.runtime.Prompt;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `score`: the log-probability of each token of a text.
@Command(
    name = "score",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Gives the log-probability of each token of a text, and the best next ones.")
public final class ScoreCommand implements Callable<Integer> {
  private final Console console;

  @Mixin private ModelOptions model = new ModelOptions();

  @Option(names = "--ids", paramLabel = "1,2,3", description = "Token ids.")
  private @Nullable String ids;

  @Option(names = "--prompt", paramLabel = "TEXT", description = "A text, encoded as for generate.")
  private @Nullable String prompt;

  @Option(names = "--raw", description = "Encode the text as it stands.")
  private boolean raw;

  @Option(
      names = "--top",
      paramLabel = "K",
      description = "How many of the best next tokens to give (default: ${DEFAULT-VALUE}).",
      defaultValue = "1")
  private int top;

  /// A command that answers on `console`.
  public ScoreCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws InterruptedException {
    if ((ids == null) == (prompt == null)) {
      throw new CommandFailures.UsageException(
          ErrorReport.of(ErrorCode.INVALID_OPTION, "Give one of --ids and --prompt")
              .key("--prompt"));
    }
    if (top < 0 || top > SamplingParams.MOST_LOGPROBS) {
      throw new CommandFailures.UsageException(
          ErrorReport.of(ErrorCode.INVALID_OPTION, "Option --top cannot be [" + top + "]")
              .found(top, "0 to " + SamplingParams.MOST_LOGPROBS)
              .key("--top"));
    }
    ObjectNode document = Documents.start("spark-llama4.score.v1");
    Completion completion;
    try (ModelHandle handle = ModelHandle.open(model.model(), model.runtime())) {
      Documents.model(document, handle.checkpoint());
      Prompt asked =
          ids != null
              ? new Prompt.Ids(Requests.parseIds(ids))
              : new Prompt.Text(prompt == null ? "" : prompt);
      GenerateCommand.Rows rows = new GenerateCommand.Rows();
      int alternatives = Math.min(top, handle.checkpoint().spec().vocabulary());
      rows.add(handle.encoder().encode(asked, raw), new PromptBatch.Score(0, alternatives), 0);
      completion = handle.engine().submit(rows, "score").await(0);
    }
    if (completion.error().isPresent()) {
      throw ErrorReport.of(completion.error().get().code(), completion.error().get().message())
          .exception();
    }
    fill(document, completion);
    if (model.json()) {
      console.document(document);
    } else {
      completion.logprobs().forEach(this::print);
    }
    return 0;
  }

  private static void fill(ObjectNode document, Completion completion) {
    double total = 0;
    for (int i = 1; i < completion.logprobs().size(); i++) {
      total += completion.logprobs().get(i).logprob();
    }
    document.put("total_logprob", total);
    ArrayNode positions = document.putArray("positions");
    for (int i = 0; i < completion.logprobs().size(); i++) {
      TokenLogprob token = completion.logprobs().get(i);
      ObjectNode position = positions.addObject().put("position", i).put("id", token.id());
      if (i == 0) {
        position.putNull("logprob");
      } else {
        position.put("logprob", token.logprob());
      }
      Documents.alternatives(position.putArray("next"), token.alternatives());
    }
  }

  private void print(TokenLogprob token) {
    console.line(String.format(Locale.ROOT, "%8d %10.5f", token.id(), token.logprob()));
  }
}

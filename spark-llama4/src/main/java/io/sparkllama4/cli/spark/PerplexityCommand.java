package io.sparkllama4.cli.spark;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sparkllama4.cli.Console;
import io.sparkllama4.cli.RunOptions;
import io.sparkllama4.cli.bench.Perplexity;
import io.sparkllama4.runtime.ModelHandle;
import io.sparkllama4.runtime.RuntimeOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.apache.spark.sql.Row;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `perplexity`: how well the bundled model foretells the held-out tickets and their answers, with
/// the weights as they are stored and in the form that is asked for.
@Command(
    name = "perplexity",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Perplexity of the bundled model on held-out tickets, by form of the weights.")
public final class PerplexityCommand implements Callable<Integer> {
  /// A column of right answers, and what is asked for it.
  private record Question(String column, String text) {}

  private static final List<Question> QUESTIONS =
      List.of(
          new Question(
              "queue",
              "Name the queue for this ticket: billing, shipping, returns, technical, account,"
                  + " orders or sales."),
          new Question("fields", "Extract product, order and priority from this ticket as JSON."),
          new Question("summary", "Summarize this ticket in one short English sentence."));

  private final Console console;

  @Mixin private CheckpointOrBundled model = new CheckpointOrBundled();

  @Option(names = "--rows", paramLabel = "N", description = "The first N tickets only.")
  private int rows = Integer.MAX_VALUE;

  @Mixin private RunOptions run = new RunOptions();

  /// A command that answers on `console`.
  public PerplexityCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws InterruptedException {
    RuntimeOptions options = run.runtime();
    Path directory = model.directory();
    List<Perplexity.Dialogue> dialogues = dialogues(directory);
    ObjectNode document = JsonNodeFactory.instance.objectNode();
    document.put("schema", "spark-llama4.perplexity.v1").put("rows", dialogues.size());
    ArrayNode forms = document.putArray("weights");
    Perplexity stored = add(forms, "stored", directory, options.withWeights("stored"), dialogues);
    if (!options.weights().equals("stored")) {
      Perplexity other = add(forms, options.weights(), directory, options, dialogues);
      ObjectNode entry = (ObjectNode) forms.get(1);
      entry.put("text_change", change(stored.text(), other.text()));
      entry.put("answer_change", change(stored.answers(), other.answers()));
    }
    if (run.json()) {
      console.document(document);
    } else {
      forms.forEach(form -> console.line(line((ObjectNode) form)));
    }
    return 0;
  }

  private List<Perplexity.Dialogue> dialogues(Path directory) {
    List<Perplexity.Dialogue> dialogues = new ArrayList<>();
    try (LocalSession local =
        LocalSession.start("local[2]", Map.of("default", directory), Map.of())) {
      List<Row> tickets =
          local
              .session()
              .read()
              .parquet(Bundled.tickets().toUri().toString())
              .orderBy("id")
              .limit(rows)
              .collectAsList();
      for (Row ticket : tickets) {
        for (Question question : QUESTIONS) {
          dialogues.add(
              new Perplexity.Dialogue(
                  question.text() + "\n\n" + ticket.<String>getAs("text"),
                  ticket.<String>getAs(question.column())));
        }
      }
    }
    return dialogues;
  }

  private static Perplexity add(
      ArrayNode forms,
      String weights,
      Path directory,
      RuntimeOptions options,
      List<Perplexity.Dialogue> dialogues)
      throws InterruptedException {
    try (ModelHandle handle = ModelHandle.open(directory, options)) {
      Perplexity found = Perplexity.of(handle, dialogues);
      forms
          .addObject()
          .put("weights", weights)
          .put("kernels", handle.backend().kernelPath())
          .put("text_tokens", found.text().tokens())
          .put("text_perplexity", found.text().perplexity())
          .put("answer_tokens", found.answers().tokens())
          .put("answer_perplexity", found.answers().perplexity());
      return found;
    }
  }

  private static double change(Perplexity.Part before, Perplexity.Part after) {
    return after.perplexity() / before.perplexity() - 1;
  }

  private static String line(ObjectNode form) {
    String line =
        String.format(
            Locale.ROOT,
            "%-7s texts %8.4f (%d tokens)   answers %8.5f (%d tokens)",
            form.get("weights").textValue(),
            form.get("text_perplexity").doubleValue(),
            form.get("text_tokens").longValue(),
            form.get("answer_perplexity").doubleValue(),
            form.get("answer_tokens").longValue());
    return form.has("text_change")
        ? line
            + String.format(
                Locale.ROOT,
                "   change: texts %+.2f %%, answers %+.2f %%",
                100 * form.get("text_change").doubleValue(),
                100 * form.get("answer_change").doubleValue())
        : line;
  }

  boolean isDebug() {
    return run.debug();
  }
}

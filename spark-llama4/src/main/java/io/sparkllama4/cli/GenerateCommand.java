package io.sparkllama4.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sparkllama4.engine.Completion;
import io.sparkllama4.engine.EngineStats;
import io.sparkllama4.engine.PromptBatch;
import io.sparkllama4.engine.RowError;
import io.sparkllama4.engine.Submission;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.error.Llama4Exception;
import io.sparkllama4.runtime.ContentSeed;
import io.sparkllama4.runtime.GenerationOptions;
import io.sparkllama4.runtime.ModelHandle;
import io.sparkllama4.runtime.Prompt;
import io.sparkllama4.tensor.NativeArena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `generate`: continues prompts.
@Command(
    name = "generate",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Continues prompts, all of them together.")
public final class GenerateCommand implements Callable<Integer> {
  private final Console console;

  @Mixin private ModelOptions model = new ModelOptions();
  @Mixin private SamplingOptions sampling = new SamplingOptions();

  @Option(names = "--prompt", paramLabel = "TEXT", description = "A prompt; repeatable.")
  private List<String> prompts = List.of();

  @Option(
      names = "--ids",
      paramLabel = "1,2,3",
      description = "Exactly these token ids, nothing added; repeatable.")
  private List<String> ids = List.of();

  @Option(
      names = "--messages",
      paramLabel = "JSON",
      description = "A conversation: a list of objects with role and content; repeatable.")
  private List<String> messages = List.of();

  @Option(
      names = "--requests",
      paramLabel = "FILE.jsonl",
      description = "One object a line: id, and ids, prompt or messages, and options with _ for -.")
  private List<Path> files = List.of();

  /// A command that answers on `console`.
  public GenerateCommand(Console console) {
    this.console = console;
  }

  /// A row on its way: encoded, or failed before.
  private static final class Work {
    final Requests.Row row;
    int[] prompt = {};
    long seed;
    int place = -1;
    Completion completion = Completion.failed(new RowError(ErrorCode.ENGINE_FAILED, ""), 0);

    Work(Requests.Row row) {
      this.row = row;
    }

    void fail(RowError error) {
      completion = Completion.failed(error, prompt.length);
    }
  }

  @Override
  public Integer call() throws InterruptedException {
    List<Requests.Row> rows = rows();
    ObjectNode document = Documents.start("spark-llama4.generate.v1");
    List<Work> work = new ArrayList<>();
    EngineStats stats;
    double loadSeconds;
    int loads = ModelHandle.loads();
    long start = System.nanoTime();
    try (ModelHandle handle = ModelHandle.open(model.model(), model.runtime())) {
      loadSeconds = seconds(System.nanoTime() - start);
      Documents.model(document, handle.checkpoint());
      Documents.backend(document, handle);
      rows.forEach(row -> work.add(new Work(row)));
      answer(handle, work);
      stats = handle.engine().stats();
    }
    ArrayNode results = document.putArray("results");
    for (Work item : work) {
      boolean wantsLogprobs = wantsLogprobs(item);
      results.add(
          Documents.result(item.row.id(), item.prompt, item.completion, item.seed, wantsLogprobs));
    }
    stats(document.putObject("stats"), stats, ModelHandle.loads() - loads, loadSeconds);
    if (model.json()) {
      console.document(document);
    } else {
      work.forEach(this::print);
    }
    return 0;
  }

  private List<Requests.Row> rows() {
    GenerationOptions defaults = sampling.options();
    Requests requests = new Requests(defaults);
    prompts.forEach(text -> requests.add(new Prompt.Text(text)));
    ids.forEach(text -> requests.add(new Prompt.Ids(Requests.parseIds(text))));
    messages.forEach(requests::addMessages);
    files.forEach(requests::addFile);
    if (prompts.isEmpty() && ids.isEmpty() && messages.isEmpty() && files.isEmpty()) {
      throw new CommandFailures.UsageException(
          ErrorReport.of(
                  ErrorCode.INVALID_OPTION,
                  "Nothing to answer: give --prompt, --ids, --messages or --requests")
              .key("--prompt"));
    }
    return requests.rows();
  }

  private static boolean wantsLogprobs(Work item) {
    return item.place >= 0 && item.row.options().params(0).logprobs() >= 0;
  }

  private static void answer(ModelHandle handle, List<Work> work) throws InterruptedException {
    Rows rows = new Rows();
    for (Work item : work) {
      try {
        encode(handle, item, rows);
      } catch (Llama4Exception e) {
        item.fail(new RowError(e.code(), e.report().describe()));
      }
    }
    Submission submission = handle.engine().submit(rows, "generate");
    for (Work item : work) {
      if (item.place >= 0) {
        item.completion = submission.await(item.place);
      }
    }
  }

  private static void encode(ModelHandle handle, Work item, Rows rows) {
    if (item.row.error().isPresent()) {
      item.fail(item.row.error().get());
      return;
    }
    GenerationOptions options = item.row.options();
    Prompt asked = item.row.prompt().orElseThrow();
    item.prompt = handle.encode(asked, options, options.params(0).maxTokens());
    item.seed = options.seed().orElseGet(() -> ContentSeed.of(0, item.prompt));
    PromptBatch.Task task = new PromptBatch.Generate(options.params(item.seed));
    item.place = rows.add(item.prompt, task, options.timeoutNanos());
  }

  private static void stats(ObjectNode node, EngineStats stats, int loads, double loadSeconds) {
    node.put("model_loads", loads)
        .put("steps", stats.steps())
        .put("max_rows_per_step", stats.maxRowsPerStep())
        .put("preemptions", stats.preemptions())
        .put("prefill_tokens", stats.prefillTokens())
        .put("drafted_tokens", stats.draftedTokens())
        .put("accepted_tokens", stats.acceptedTokens())
        .put("kv_tokens_peak", stats.kvTokensPeak())
        .put("native_bytes_after_close", NativeArena.openBytes())
        .put("load_seconds", loadSeconds)
        .put("prefill_seconds", seconds(stats.prefillNanos()))
        .put("decode_seconds", seconds(stats.decodeNanos()));
  }

  private static double seconds(long nanos) {
    return nanos * 1e-9;
  }

  private void print(Work item) {
    item.completion
        .error()
        .ifPresentOrElse(
            error -> console.note(item.row.id() + ": " + error.code() + ": " + error.message()),
            () -> console.line(item.completion.text()));
  }

  /// Encoded rows.
  static final class Rows implements PromptBatch {
    private final List<int[]> prompts = new ArrayList<>();
    private final List<Task> tasks = new ArrayList<>();
    private final List<Long> timeouts = new ArrayList<>();

    int add(int[] prompt, Task task, long timeoutNanos) {
      prompts.add(prompt);
      tasks.add(task);
      timeouts.add(timeoutNanos);
      return prompts.size() - 1;
    }

    @Override
    public int rows() {
      return prompts.size();
    }

    @Override
    public int promptTokens(int row) {
      return prompts.get(row).length;
    }

    @Override
    public void copyPrompt(int row, int[] target) {
      System.arraycopy(prompts.get(row), 0, target, 0, prompts.get(row).length);
    }

    @Override
    public Task task(int row) {
      return tasks.get(row);
    }

    @Override
    public long timeoutNanos(int row) {
      return timeouts.get(row);
    }
  }
}

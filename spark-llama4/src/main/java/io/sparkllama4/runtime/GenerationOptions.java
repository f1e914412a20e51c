package io.sparkllama4.runtime;

import io.sparkllama4.engine.SamplingParams;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.error.Llama4Exception;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import org.apache.commons.text.similarity.LevenshteinDistance;

/// Options of one row by name, as the command line, a line of requests and SQL spell them: values
/// come as numbers, booleans, lists, or texts that stand for one.
public final class GenerationOptions {
  /// Nothing chosen of what continuing a prompt takes.
  public static final GenerationOptions NONE = of(OptionSet.GENERATE);

  private final OptionSet set;
  private final Map<String, Object> values;

  private GenerationOptions(OptionSet set, Map<String, Object> values) {
    this.set = set;
    this.values = Map.copyOf(values);
  }

  /// Nothing chosen of what `set` allows.
  public static GenerationOptions of(OptionSet set) {
    return new GenerationOptions(set, Map.of());
  }

  /// These options with one more; the last value of a name counts.
  ///
  /// @throws Llama4Exception with UNKNOWN_OPTION, or INVALID_OPTION where the value is of another
  ///     kind
  public GenerationOptions with(String name, Object value) {
    OptionKind kind = set.kind(name).orElseThrow(() -> unknown(name, set.names()));
    Map<String, Object> more = new TreeMap<>(values);
    more.put(name, kind.convert(name, value));
    return new GenerationOptions(set, more);
  }

  /// The error of a name that no option has, with the nearest that one has.
  ///
  /// @param allowed the names that options have
  public static Llama4Exception unknown(String name, List<String> allowed) {
    String lower = name.toLowerCase(Locale.ROOT);
    String nearest = "";
    int least = 4;
    for (String known : allowed) {
      int distance = LevenshteinDistance.getDefaultInstance().apply(lower, known);
      if (distance < least) {
        least = distance;
        nearest = known;
      }
    }
    String hint = nearest.isEmpty() ? "" : "; did you mean [" + nearest + "]?";
    return ErrorReport.of(ErrorCode.UNKNOWN_OPTION, "Unknown option [" + name + "]" + hint)
        .found(name, String.join(", ", allowed))
        .key(name)
        .exception();
  }

  /// Checks every value against its range.
  ///
  /// @throws Llama4Exception with INVALID_OPTION
  public void check() {
    params(0);
    onLongPrompt();
    timeoutNanos();
    isPerToken();
  }

  /// The seed, where one is given.
  public OptionalLong seed() {
    return values.get("seed") instanceof Long seed ? OptionalLong.of(seed) : OptionalLong.empty();
  }

  /// Whether the prompt is encoded as it stands, without a chat template.
  public boolean isRaw() {
    return get("raw", Boolean.class).orElse(false);
  }

  /// What becomes of a prompt that is too long.
  ///
  /// @throws Llama4Exception with INVALID_OPTION
  public OnLongPrompt onLongPrompt() {
    return get("on_long_prompt", String.class).map(OnLongPrompt::of).orElse(OnLongPrompt.FAIL);
  }

  /// How long a row may take from its submission, in nanoseconds; 0 where it may take any time.
  ///
  /// @throws Llama4Exception with INVALID_OPTION where it is not above 0
  public long timeoutNanos() {
    Optional<Double> seconds = get("timeout", Double.class);
    if (seconds.isEmpty()) {
      return 0;
    }
    if (!(seconds.get() > 0)) {
      throw invalid("timeout", seconds.get(), "a number of seconds above 0");
    }
    // A century is as good as for ever, and does not overflow.
    return (long) Math.max(1, Math.min(3e18, seconds.get() * 1e9));
  }

  /// What labels mean.
  public Map<String, String> descriptions() {
    Map<String, String> texts = new TreeMap<>();
    if (values.get("descriptions") instanceof Map<?, ?> map) {
      map.forEach((label, text) -> texts.put((String) label, (String) text));
    }
    return texts;
  }

  /// What stands in place of the first sentence of a classification's prompt.
  public Optional<String> instruction() {
    return get("instruction", String.class);
  }

  /// Whether labels are compared by their log-probability per token, not in total.
  ///
  /// @throws Llama4Exception with INVALID_OPTION
  public boolean isPerToken() {
    String normalization = get("normalization", String.class).orElse("total");
    return switch (normalization.toLowerCase(Locale.ROOT)) {
      case "total" -> false;
      case "per_token" -> true;
      default -> throw invalid("normalization", normalization, "total, per_token");
    };
  }

  private static Llama4Exception invalid(String name, Object found, String expected) {
    String shown = OptionKind.shown(found);
    return ErrorReport.of(
            ErrorCode.INVALID_OPTION, "Option [" + name + "] cannot be [" + shown + "]")
        .found(shown, expected)
        .key(name)
        .exception();
  }

  /// The options as the engine takes them.
  ///
  /// @param seed the row's seed
  /// @throws Llama4Exception with INVALID_OPTION where a value is out of range
  public SamplingParams params(long seed) {
    SamplingParams d = SamplingParams.DEFAULT;
    return new SamplingParams(
        get("max_tokens", Integer.class).orElse(d.maxTokens()),
        get("temperature", Double.class).orElse(d.temperature()),
        get("top_p", Double.class).orElse(d.topP()),
        get("top_k", Integer.class).orElse(d.topK()),
        get("min_p", Double.class).orElse(d.minP()),
        get("presence_penalty", Double.class).orElse(d.presencePenalty()),
        get("frequency_penalty", Double.class).orElse(d.frequencyPenalty()),
        get("repetition_penalty", Double.class).orElse(d.repetitionPenalty()),
        seed,
        list("stop", String.class),
        list("stop_id", Integer.class),
        get("ignore_eos", Boolean.class).orElse(d.ignoresEos()),
        requestedLogprobs());
  }

  private int requestedLogprobs() {
    Optional<Integer> requested = get("logprobs", Integer.class);
    if (requested.isPresent() && requested.get() < 0) {
      throw invalid("logprobs", requested.get(), "0 to " + SamplingParams.MOST_LOGPROBS);
    }
    return requested.orElse(SamplingParams.NO_LOGPROBS);
  }

  private <T> Optional<T> get(String name, Class<T> type) {
    return Optional.ofNullable(values.get(name)).map(type::cast);
  }

  private <T> List<T> list(String name, Class<T> type) {
    return values.get(name) instanceof List<?> list
        ? list.stream().<T>map(type::cast).toList()
        : List.of();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof GenerationOptions options
        && set == options.set
        && values.equals(options.values);
  }

  @Override
  public int hashCode() {
    return values.hashCode();
  }

  /// The options as `{max_tokens=8, temperature=0.0}`.
  @Override
  public String toString() {
    return new TreeMap<>(values).toString();
  }
}

package io.sparkllama4.runtime;

import io.sparkllama4.engine.SamplingParams;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.error.Llama4Exception;
import java.math.BigDecimal;
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
  /// Nothing chosen.
  public static final GenerationOptions NONE = new GenerationOptions(Map.of());

  /// What becomes of a prompt that is too long.
  public enum OnLongPrompt {
    /// The row fails.
    FAIL,
    /// The row's answer is NULL.
    NULL
  }

  /// What an option's value must be.
  private enum Kind {
    INTEGER,
    LONG,
    NUMBER,
    FLAG,
    TEXT,
    TEXTS,
    IDS
  }

  private static final Map<String, Kind> KINDS =
      Map.ofEntries(
          Map.entry("max_tokens", Kind.INTEGER),
          Map.entry("temperature", Kind.NUMBER),
          Map.entry("top_p", Kind.NUMBER),
          Map.entry("top_k", Kind.INTEGER),
          Map.entry("min_p", Kind.NUMBER),
          Map.entry("seed", Kind.LONG),
          Map.entry("stop", Kind.TEXTS),
          Map.entry("stop_id", Kind.IDS),
          Map.entry("ignore_eos", Kind.FLAG),
          Map.entry("presence_penalty", Kind.NUMBER),
          Map.entry("frequency_penalty", Kind.NUMBER),
          Map.entry("repetition_penalty", Kind.NUMBER),
          Map.entry("logprobs", Kind.INTEGER),
          Map.entry("raw", Kind.FLAG),
          Map.entry("on_long_prompt", Kind.TEXT));

  private final Map<String, Object> values;

  private GenerationOptions(Map<String, Object> values) {
    this.values = Map.copyOf(values);
  }

  /// The names, in alphabetical order.
  public static List<String> names() {
    return List.copyOf(new TreeMap<>(KINDS).keySet());
  }

  /// True of a name that [#with] takes.
  public static boolean isKnown(String name) {
    return KINDS.containsKey(name);
  }

  /// These options with one more; the last value of a name counts.
  ///
  /// @throws Llama4Exception with UNKNOWN_OPTION, or INVALID_OPTION where the value is of another
  ///     kind
  public GenerationOptions with(String name, Object value) {
    Kind kind = KINDS.get(name);
    if (kind == null) {
      throw unknown(name);
    }
    Map<String, Object> more = new TreeMap<>(values);
    more.put(name, convert(name, kind, value));
    return new GenerationOptions(more);
  }

  /// The error of a name that no option has, with the nearest that one has.
  public static Llama4Exception unknown(String name) {
    String lower = name.toLowerCase(Locale.ROOT);
    String nearest = "";
    int least = 4;
    for (String known : names()) {
      int distance = LevenshteinDistance.getDefaultInstance().apply(lower, known);
      if (distance < least) {
        least = distance;
        nearest = known;
      }
    }
    String hint = nearest.isEmpty() ? "" : "; did you mean [" + nearest + "]?";
    return ErrorReport.of(ErrorCode.UNKNOWN_OPTION, "Unknown option [" + name + "]" + hint)
        .found(name, String.join(", ", names()))
        .key(name)
        .exception();
  }

  private static Object convert(String name, Kind kind, Object value) {
    try {
      return switch (kind) {
        case INTEGER -> number(value).intValueExact();
        case LONG -> number(value).longValueExact();
        case NUMBER -> number(value).doubleValue();
        case FLAG -> flag(value);
        case TEXT -> text(value);
        case TEXTS -> list(value).stream().map(GenerationOptions::text).toList();
        case IDS -> list(value).stream().map(id -> number(id).intValueExact()).toList();
      };
    } catch (ArithmeticException | IllegalArgumentException e) {
      throw ErrorReport.of(
              ErrorCode.INVALID_OPTION, "Option [" + name + "] cannot be [" + shown(value) + "]")
          .found(shown(value), expectation(kind))
          .key(name)
          .exception(e);
    }
  }

  private static String expectation(Kind kind) {
    return switch (kind) {
      case INTEGER -> "an integer";
      case LONG -> "an integer of 64 bits";
      case NUMBER -> "a number";
      case FLAG -> "true or false";
      case TEXT -> "a text";
      case TEXTS -> "a text or a list of texts";
      case IDS -> "a token id or a list of them";
    };
  }

  /// A value in a message; long ones cut, since they may hold a user's text.
  private static String shown(Object value) {
    String text = String.valueOf(value);
    return text.length() <= 40 ? text : text.substring(0, 40) + "...";
  }

  private static BigDecimal number(Object value) {
    if (value instanceof Double || value instanceof Float) {
      double number = ((Number) value).doubleValue();
      if (!Double.isFinite(number)) {
        throw new IllegalArgumentException("not finite");
      }
      return BigDecimal.valueOf(number);
    }
    if (value instanceof Number || value instanceof String) {
      return new BigDecimal(value.toString().trim());
    }
    throw new IllegalArgumentException("no number");
  }

  private static Boolean flag(Object value) {
    return switch (value) {
      case Boolean flag -> flag;
      case String text when text.trim().equalsIgnoreCase("true") -> true;
      case String text when text.trim().equalsIgnoreCase("false") -> false;
      default -> throw new IllegalArgumentException("no flag");
    };
  }

  private static String text(Object value) {
    if (value instanceof String text) {
      return text;
    }
    throw new IllegalArgumentException("no text");
  }

  private static List<?> list(Object value) {
    return value instanceof List<?> list ? list : List.of(value);
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
  /// @throws Llama4Exception with INVALID_OPTION, or UNSUPPORTED_FEATURE for the truncations
  public OnLongPrompt onLongPrompt() {
    String policy = get("on_long_prompt", String.class).orElse("fail");
    return switch (policy.toLowerCase(Locale.ROOT)) {
      case "fail" -> OnLongPrompt.FAIL;
      case "null" -> OnLongPrompt.NULL;
      case "truncate_head", "truncate_tail", "truncate_middle" ->
          throw ErrorReport.of(
                  ErrorCode.UNSUPPORTED_FEATURE,
                  "Option [on_long_prompt] cannot be [" + policy + "] yet")
              .found(policy, "fail, null")
              .key("on_long_prompt")
              .exception();
      default ->
          throw ErrorReport.of(
                  ErrorCode.INVALID_OPTION, "Option [on_long_prompt] cannot be [" + policy + "]")
              .found(policy, "fail, null")
              .key("on_long_prompt")
              .exception();
    };
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
      throw ErrorReport.of(
              ErrorCode.INVALID_OPTION, "Option [logprobs] cannot be [" + requested.get() + "]")
          .found(requested.get(), "0 to " + SamplingParams.MOST_LOGPROBS)
          .key("logprobs")
          .exception();
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
    return other instanceof GenerationOptions options && values.equals(options.values);
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

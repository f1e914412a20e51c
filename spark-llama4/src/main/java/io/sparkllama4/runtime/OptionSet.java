package io.sparkllama4.runtime;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// Which options a function or command takes, and what their values must be.
public enum OptionSet {
  /// Continuing a prompt.
  GENERATE(
      Map.ofEntries(
          Map.entry("max_tokens", OptionKind.INTEGER),
          Map.entry("temperature", OptionKind.NUMBER),
          Map.entry("top_p", OptionKind.NUMBER),
          Map.entry("top_k", OptionKind.INTEGER),
          Map.entry("min_p", OptionKind.NUMBER),
          Map.entry("seed", OptionKind.LONG),
          Map.entry("stop", OptionKind.TEXTS),
          Map.entry("stop_id", OptionKind.IDS),
          Map.entry("ignore_eos", OptionKind.FLAG),
          Map.entry("presence_penalty", OptionKind.NUMBER),
          Map.entry("frequency_penalty", OptionKind.NUMBER),
          Map.entry("repetition_penalty", OptionKind.NUMBER),
          Map.entry("logprobs", OptionKind.INTEGER),
          Map.entry("raw", OptionKind.FLAG),
          Map.entry("timeout", OptionKind.NUMBER),
          Map.entry("on_long_prompt", OptionKind.TEXT))),
  /// Choosing one of several labels.
  CLASSIFY(
      Map.of(
          "raw", OptionKind.FLAG,
          "timeout", OptionKind.NUMBER,
          "on_long_prompt", OptionKind.TEXT,
          "descriptions", OptionKind.TEXT_MAP,
          "instruction", OptionKind.TEXT,
          "normalization", OptionKind.TEXT)),
  /// The log-probability of a given continuation.
  SCORE(Map.of("raw", OptionKind.FLAG, "timeout", OptionKind.NUMBER)),
  /// The tokens of a text.
  TOKENS(Map.of());

  @SuppressWarnings("ImmutableEnumChecker") // Map.of cannot be changed.
  private final Map<String, OptionKind> kinds;

  OptionSet(Map<String, OptionKind> kinds) {
    this.kinds = kinds;
  }

  /// The names, in alphabetical order.
  public List<String> names() {
    return new ArrayList<>(new TreeMap<>(kinds).keySet());
  }

  /// What the value of `name` must be, where there is such an option.
  public Optional<OptionKind> kind(String name) {
    return Optional.ofNullable(kinds.get(name));
  }
}

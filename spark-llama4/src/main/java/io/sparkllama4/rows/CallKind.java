package io.sparkllama4.rows;

import io.sparkllama4.runtime.OptionSet;
import java.util.ArrayList;
import java.util.List;

/// The functions: what each takes and what it makes of a row.
public enum CallKind {
  /// The text; a failing row fails the query.
  GENERATE("llama4_generate", OptionSet.GENERATE, new Parameter("prompt", ArgumentType.TEXT)),
  /// The text; NULL for a failing row.
  TRY_GENERATE(
      "try_llama4_generate", OptionSet.GENERATE, new Parameter("prompt", ArgumentType.TEXT)),
  /// A struct that tells everything; never fails for a row.
  COMPLETE(
      "llama4_complete",
      OptionSet.GENERATE,
      new Parameter("prompt", "messages", ArgumentType.TEXT_OR_CONVERSATION)),
  /// The next message of a conversation; a failing row fails the query.
  CHAT("llama4_chat", OptionSet.GENERATE, new Parameter("messages", ArgumentType.CONVERSATION)),
  /// The most probable of some labels; a failing row fails the query.
  CLASSIFY(
      "llama4_classify",
      OptionSet.CLASSIFY,
      new Parameter("text", ArgumentType.TEXT),
      new Parameter("labels", ArgumentType.TEXTS)),
  /// The log-probability of a continuation; a failing row fails the query.
  SCORE(
      "llama4_score",
      OptionSet.SCORE,
      new Parameter("prompt", ArgumentType.TEXT),
      new Parameter("continuation", ArgumentType.TEXT)),
  /// The token ids of a text.
  TOKENS("llama4_tokens", OptionSet.TOKENS, new Parameter("text", ArgumentType.TEXT)),
  /// How many tokens a text has.
  COUNT_TOKENS("llama4_count_tokens", OptionSet.TOKENS, new Parameter("text", ArgumentType.TEXT));

  /// The option that names the model, which every function takes.
  public static final String MODEL = "model";

  private final String function;
  private final OptionSet options;

  @SuppressWarnings("ImmutableEnumChecker") // List.of cannot be changed.
  private final List<Parameter> parameters;

  CallKind(String function, OptionSet options, Parameter... parameters) {
    this.function = function;
    this.options = options;
    this.parameters = List.of(parameters);
  }

  /// An argument that must be given.
  ///
  /// @param name its name
  /// @param alias another name for it, or the same
  /// @param type what it may be
  public record Parameter(String name, String alias, ArgumentType type) {
    Parameter(String name, ArgumentType type) {
      this(name, name, type);
    }

    /// True where `given` names it.
    public boolean isCalled(String given) {
      return given.equals(name) || given.equals(alias);
    }
  }

  /// The SQL function's name.
  public String function() {
    return function;
  }

  /// The arguments that come first, in their order.
  public List<Parameter> parameters() {
    return parameters;
  }

  /// The options that it takes, besides [#MODEL].
  public OptionSet options() {
    return options;
  }

  /// The names of all options.
  public List<String> optionNames() {
    List<String> names = new ArrayList<>(options.names());
    names.add(MODEL);
    names.sort(null);
    return List.copyOf(names);
  }

  /// Whether it asks the model, and not the tokenizer alone: whether a row costs something.
  public boolean callsModel() {
    return options != OptionSet.TOKENS;
  }

  /// What an argument behind the parameters is, where it has no name: the map of options, or the
  /// only option.
  public String lastArgument() {
    return callsModel() ? "options" : MODEL;
  }
}

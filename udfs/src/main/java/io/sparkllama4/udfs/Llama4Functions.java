package io.sparkllama4.udfs;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.functions;
import scala.jdk.javaapi.CollectionConverters;

/// The SQL functions as columns of DataFrames, for Java and Scala.
///
/// Every method makes the call that SQL would, through Spark's public API alone: it works in a
/// classic session and over Spark Connect, where only the server needs the extension and the
/// plugin. `llama4_generate` in SQL is [#generate] here; what it does, and which options it takes,
/// says `DESCRIBE FUNCTION EXTENDED llama4_generate`.
///
/// Options are a map by name, of Java or of Scala. A value is a text, a number, a boolean, a list
/// of texts or numbers, or a [Column] for what differs from row to row; `model` must be a text.
///
/// ```java
/// tickets.select(generate(col("text"), Map.of("max_tokens", 20, "seed", col("id"))).as("answer"))
/// ```
public final class Llama4Functions {
  private Llama4Functions() {}

  /// Continues `prompt`; a row that cannot be answered fails the query.
  public static Column generate(Column prompt) {
    return call("llama4_generate", Map.of(), prompt);
  }

  /// [#generate(Column)] with options.
  public static Column generate(Column prompt, Map<String, ?> options) {
    return call("llama4_generate", options, prompt);
  }

  /// [#generate(Column)] with options, for Scala.
  public static Column generate(Column prompt, scala.collection.Map<String, ?> options) {
    return generate(prompt, CollectionConverters.asJava(options));
  }

  /// Continues `prompt`; NULL for a row that cannot be answered.
  public static Column tryGenerate(Column prompt) {
    return call("try_llama4_generate", Map.of(), prompt);
  }

  /// [#tryGenerate(Column)] with options.
  public static Column tryGenerate(Column prompt, Map<String, ?> options) {
    return call("try_llama4_generate", options, prompt);
  }

  /// [#tryGenerate(Column)] with options, for Scala.
  public static Column tryGenerate(Column prompt, scala.collection.Map<String, ?> options) {
    return tryGenerate(prompt, CollectionConverters.asJava(options));
  }

  /// Continues a prompt, or an array of messages with `role` and `content`, and tells everything: a
  /// struct of text, finish reason, usage, model, seed and error. It never fails for a row.
  public static Column complete(Column promptOrMessages) {
    return call("llama4_complete", Map.of(), promptOrMessages);
  }

  /// [#complete(Column)] with options.
  public static Column complete(Column promptOrMessages, Map<String, ?> options) {
    return call("llama4_complete", options, promptOrMessages);
  }

  /// [#complete(Column)] with options, for Scala.
  public static Column complete(Column promptOrMessages, scala.collection.Map<String, ?> options) {
    return complete(promptOrMessages, CollectionConverters.asJava(options));
  }

  /// Answers a conversation, an array of structs with `role` and `content`.
  public static Column chat(Column messages) {
    return call("llama4_chat", Map.of(), messages);
  }

  /// [#chat(Column)] with options.
  public static Column chat(Column messages, Map<String, ?> options) {
    return call("llama4_chat", options, messages);
  }

  /// [#chat(Column)] with options, for Scala.
  public static Column chat(Column messages, scala.collection.Map<String, ?> options) {
    return chat(messages, CollectionConverters.asJava(options));
  }

  /// The one of `labels`, an array of texts, that the model finds likeliest for `text`.
  public static Column classify(Column text, Column labels) {
    return call("llama4_classify", Map.of(), text, labels);
  }

  /// [#classify(Column, Column)] with options.
  public static Column classify(Column text, Column labels, Map<String, ?> options) {
    return call("llama4_classify", options, text, labels);
  }

  /// [#classify(Column, Column)] with options, for Scala.
  public static Column classify(
      Column text, Column labels, scala.collection.Map<String, ?> options) {
    return classify(text, labels, CollectionConverters.asJava(options));
  }

  /// Log-probabilities of `continuation` behind `prompt`: a struct of the sum, the number of
  /// tokens, and one for each token.
  public static Column score(Column prompt, Column continuation) {
    return call("llama4_score", Map.of(), prompt, continuation);
  }

  /// [#score(Column, Column)] with options.
  public static Column score(Column prompt, Column continuation, Map<String, ?> options) {
    return call("llama4_score", options, prompt, continuation);
  }

  /// [#score(Column, Column)] with options, for Scala.
  public static Column score(
      Column prompt, Column continuation, scala.collection.Map<String, ?> options) {
    return score(prompt, continuation, CollectionConverters.asJava(options));
  }

  /// The ids of the tokens of `text`, nothing added.
  public static Column tokens(Column text) {
    return call("llama4_tokens", Map.of(), text);
  }

  /// [#tokens(Column)] with the option `model`.
  public static Column tokens(Column text, Map<String, ?> options) {
    return call("llama4_tokens", options, text);
  }

  /// [#tokens(Column)] with the option `model`, for Scala.
  public static Column tokens(Column text, scala.collection.Map<String, ?> options) {
    return tokens(text, CollectionConverters.asJava(options));
  }

  /// The number of tokens of `text`.
  public static Column countTokens(Column text) {
    return call("llama4_count_tokens", Map.of(), text);
  }

  /// [#countTokens(Column)] with the option `model`.
  public static Column countTokens(Column text, Map<String, ?> options) {
    return call("llama4_count_tokens", options, text);
  }

  /// [#countTokens(Column)] with the option `model`, for Scala.
  public static Column countTokens(Column text, scala.collection.Map<String, ?> options) {
    return countTokens(text, CollectionConverters.asJava(options));
  }

  private static Column call(String function, Map<String, ?> options, Column... arguments) {
    List<Column> all = new ArrayList<>(List.of(arguments));
    if (!options.isEmpty()) {
      all.add(map(options));
    }
    return functions.call_function(function, all.toArray(Column[]::new));
  }

  /// A map of literal names, which the analyzer takes apart: values need no common type.
  private static Column map(Map<String, ?> options) {
    List<Column> entries = new ArrayList<>();
    // Sorted, so that plans do not depend on the order of a HashMap.
    new TreeMap<String, Object>(options)
        .forEach(
            (name, value) -> {
              entries.add(functions.lit(name));
              entries.add(column(value));
            });
    return functions.map(entries.toArray(Column[]::new));
  }

  private static Column column(Object value) {
    if (value instanceof scala.collection.Iterable<?> list) {
      return column(CollectionConverters.asJava(list));
    }
    if (value instanceof Iterable<?> list) {
      List<Column> elements = new ArrayList<>();
      list.forEach(element -> elements.add(column(element)));
      return functions.array(elements.toArray(Column[]::new));
    }
    if (value instanceof Map<?, ?> map) {
      List<Column> entries = new ArrayList<>();
      map.forEach(
          (key, each) -> {
            entries.add(column(key));
            entries.add(column(each));
          });
      return functions.map(entries.toArray(Column[]::new));
    }
    return functions.lit(value);
  }
}

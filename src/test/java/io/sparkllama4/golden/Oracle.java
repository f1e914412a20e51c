package io.sparkllama4.golden;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/// One small checkpoint with the outputs of the reference implementation.
///
/// @param name its folder's name
/// @param directory the checkpoint
/// @param prompts what it was asked, and what it answered
public record Oracle(String name, Path directory, List<Prompt> prompts) {
  private static final ObjectMapper JSON = new ObjectMapper();

  /// A prompt with its answers.
  ///
  /// @param name its name
  /// @param ids the prompt
  /// @param greedyIds what follows it, stop ids ignored
  /// @param greedyLogprobs their log-probabilities
  /// @param inputLogprobs those of the prompt's own tokens, 0 at the first
  /// @param topIds the five best next tokens behind each token of the prompt
  /// @param topLogprobs theirs
  /// @param probes whether its intermediates are known
  /// @param robust whether arithmetic in low precision gives the same tokens
  /// @param logitMargin the least distance, on the way, of a chosen logit from the next best
  /// @param routerMargin the same of routers
  public record Prompt(
      String name,
      List<Integer> ids,
      List<Integer> greedyIds,
      List<Double> greedyLogprobs,
      List<Double> inputLogprobs,
      List<List<Integer>> topIds,
      List<List<Double>> topLogprobs,
      boolean probes,
      boolean robust,
      double logitMargin,
      double routerMargin) {}

  /// Where the test resources lie.
  public static Path resources() {
    return Path.of(System.getProperty("sparkllama4.root"), "src/test/resources/oracles");
  }

  /// All oracles.
  public static List<Oracle> all() {
    try (Stream<Path> folders = Files.list(resources())) {
      return folders
          .filter(folder -> Files.exists(folder.resolve("expected.json")))
          .sorted()
          .map(Oracle::read)
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// The oracle `name`.
  public static Oracle named(String name) {
    return read(resources().resolve(name));
  }

  private static Oracle read(Path folder) {
    try {
      JsonNode expected = JSON.readTree(folder.resolve("expected.json").toFile());
      List<Prompt> prompts = new ArrayList<>();
      for (JsonNode prompt : expected.get("prompts")) {
        prompts.add(
            new Prompt(
                prompt.get("name").asText(),
                ints(prompt.get("input_ids")),
                ints(prompt.get("greedy_ids")),
                doubles(prompt.get("greedy_logprobs")),
                doubles(prompt.get("input_logprobs")),
                lists(prompt.get("top_ids")).stream().map(Oracle::ints).toList(),
                lists(prompt.get("top_logprobs")).stream().map(Oracle::doubles).toList(),
                prompt.path("probes").asBoolean(),
                prompt.get("robust").asBoolean(),
                prompt.get("least_logit_margin").asDouble(),
                // A model without experts has no margin, and chooses nothing.
                prompt.path("least_router_margin").asDouble(Double.POSITIVE_INFINITY)));
      }
      return new Oracle(folder.getFileName().toString(), folder, List.copyOf(prompts));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static List<JsonNode> lists(JsonNode node) {
    List<JsonNode> lists = new ArrayList<>();
    node.forEach(lists::add);
    return lists;
  }

  private static List<Integer> ints(JsonNode node) {
    List<Integer> values = new ArrayList<>();
    node.forEach(value -> values.add(value.asInt()));
    return values;
  }

  private static List<Double> doubles(JsonNode node) {
    List<Double> values = new ArrayList<>();
    node.forEach(value -> values.add(value.asDouble()));
    return values;
  }

  @Override
  public String toString() {
    return name;
  }
}

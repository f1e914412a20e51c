package io.sparkllama4.benchmarks.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// The documents of one session at one machine, in the order in which they were measured: ours, and
/// those of another engine in turn with them.
///
/// @param ours documents of this project, at least one
/// @param others documents of the other engine; may be empty
record Recording(List<JsonNode> ours, List<JsonNode> others) {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String OUR_NAME = "spark-llama4";

  /// A case by name and size.
  record Key(String name, int n) {}

  /// The ratios of the pairs of a case.
  record Ratio(double median, double least, double most) {}

  Recording {
    ours = List.copyOf(ours);
    others = List.copyOf(others);
  }

  /// The documents of a file, one a line.
  ///
  /// @throws IllegalArgumentException where none is ours
  static Recording read(Path file) throws IOException {
    List<JsonNode> ours = new ArrayList<>();
    List<JsonNode> others = new ArrayList<>();
    for (String line : Files.readAllLines(file)) {
      if (!line.isBlank()) {
        JsonNode document = JSON.readTree(line);
        (document.path("peer").asText().equals(OUR_NAME) ? ours : others).add(document);
      }
    }
    if (ours.isEmpty()) {
      throw new IllegalArgumentException(file + " holds no document of " + OUR_NAME);
    }
    return new Recording(ours, others);
  }

  /// Our first document, which tells of machine and model.
  JsonNode first() {
    return ours.getFirst();
  }

  /// The cases that we measured, in order.
  Set<Key> cases() {
    Set<Key> keys = new LinkedHashSet<>();
    for (JsonNode document : ours) {
      for (JsonNode entry : document.get("cases")) {
        keys.add(new Key(entry.get("case").asText(), entry.get("n").asInt()));
      }
    }
    return keys;
  }

  /// The name of the other engine.
  Optional<String> other() {
    return others.stream().map(document -> document.get("peer").asText()).findFirst();
  }

  /// A number of a case in every document of ours that has it.
  List<Double> ours(Key key, String number) {
    return values(ours, key, number);
  }

  /// How far our speeds lie apart, over their median: those of all documents, or where there is one
  /// document, its samples. Empty where neither tells.
  List<Double> spread(Key key) {
    List<Double> speeds = ours(key, "median");
    if (speeds.size() < 2) {
      return ours(key, "spread");
    }
    List<Double> sorted = speeds.stream().sorted().toList();
    return List.of((sorted.getLast() - sorted.getFirst()) / median(sorted));
  }

  /// The median speeds of the other engine.
  List<Double> others(Key key) {
    return values(others, key, "median");
  }

  private static List<Double> values(List<JsonNode> documents, Key key, String number) {
    List<Double> values = new ArrayList<>();
    for (JsonNode document : documents) {
      find(document, key)
          .map(entry -> entry.path(number))
          .filter(JsonNode::isNumber)
          .ifPresent(value -> values.add(value.doubleValue()));
    }
    return values;
  }

  private static Optional<JsonNode> find(JsonNode document, Key key) {
    for (JsonNode entry : document.get("cases")) {
      if (entry.get("case").asText().equals(key.name()) && entry.get("n").asInt() == key.n()) {
        return Optional.of(entry);
      }
    }
    return Optional.empty();
  }

  /// Our speed over the other engine's, within each pair of documents.
  Optional<Ratio> ratio(Key key) {
    List<Double> ratios = new ArrayList<>();
    for (int pair = 0; pair < Math.min(ours.size(), others.size()); pair++) {
      List<Double> our = values(List.of(ours.get(pair)), key, "median");
      List<Double> other = values(List.of(others.get(pair)), key, "median");
      if (!our.isEmpty() && !other.isEmpty()) {
        ratios.add(our.getFirst() / other.getFirst());
      }
    }
    return ratios.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new Ratio(
                median(ratios),
                ratios.stream().mapToDouble(r -> r).min().getAsDouble(),
                ratios.stream().mapToDouble(r -> r).max().getAsDouble()));
  }

  /// The median of at least one value.
  static double median(List<Double> values) {
    List<Double> sorted = values.stream().sorted().toList();
    int middle = sorted.size() / 2;
    return sorted.size() % 2 == 1
        ? sorted.get(middle)
        : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
  }
}

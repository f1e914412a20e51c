package io.sparkllama4.benchmarks.report;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// What the page says of a recording.
final class Tables {
  private Tables() {}

  /// Heading, machine and table of a recording.
  static List<String> of(Recording recording) {
    JsonNode first = recording.first();
    List<String> lines = new ArrayList<>();
    lines.add("### " + heading(first));
    lines.add("");
    lines.add(machine(first) + ceilings(first));
    lines.add("");
    lines.addAll(table(recording));
    List<String> more = more(recording);
    if (!more.isEmpty()) {
      lines.add("");
      lines.addAll(more);
    }
    return lines;
  }

  private static String heading(JsonNode first) {
    String weights = first.at("/backend/weights").asText("");
    return first.get("model").asText() + (weights.isEmpty() ? "" : ", " + weights);
  }

  private static String machine(JsonNode first) {
    JsonNode backend = first.path("backend");
    String kernels = backend.isMissingNode() ? "" : ", kernels " + backend.get("kernels").asText();
    String strict = backend.path("strict").asBoolean(true) ? "strict" : "not strict";
    return String.format(
        Locale.ROOT,
        "%s, %d threads%s, %s; %s, commit %s.",
        first.at("/cpu/name").asText(),
        first.get("threads").asInt(),
        kernels,
        strict,
        first.path("date").asText(),
        first.path("commit").asText("unknown"));
  }

  private static String ceilings(JsonNode first) {
    JsonNode best = first.path("ceilings");
    if (!best.path("fp32_gflops").isNumber()) {
      return "";
    }
    List<String> parts = new ArrayList<>();
    add(parts, "fp32 %.0f GFLOP/s", best.path("fp32_gflops"));
    add(parts, "bf16 %.0f GFLOP/s", best.path("bf16_gflops"));
    add(parts, "int8 %.0f GOP/s", best.path("int8_gops"));
    add(parts, "reads %.1f GB/s", best.path("read_gb_per_s"));
    return " Ceilings: " + String.join(", ", parts) + ".";
  }

  private static void add(List<String> parts, String format, JsonNode value) {
    if (value.isNumber()) {
      parts.add(String.format(Locale.ROOT, format, value.doubleValue()));
    }
  }

  private static List<String> table(Recording recording) {
    Optional<String> other = recording.other();
    List<String> lines = new ArrayList<>();
    String more = other.map(name -> " " + name + " | ratio | |").orElse("");
    lines.add("| case | n | tokens/s | spread | GB/s | share of ceiling |" + more);
    lines.add("|---|---|---|---|---|---|" + (other.isPresent() ? "---|---|---|" : ""));
    for (Recording.Key key : recording.cases()) {
      String line =
          String.format(
              Locale.ROOT,
              "| %s | %d | %.0f | %s | %s | %s |",
              key.name(),
              key.n(),
              Recording.median(recording.ours(key, "median")),
              number(recording.spread(key), 100, "%.0f %%"),
              number(recording.ours(key, "gb_per_s"), 1, "%.1f"),
              share(recording, key));
      lines.add(other.isPresent() ? line + other(recording, key) : line);
    }
    return lines;
  }

  private static String share(Recording recording, Recording.Key key) {
    String share = number(recording.ours(key, "share_of_ceiling"), 100, "%.0f %%");
    for (JsonNode entry : recording.first().get("cases")) {
      boolean isIt =
          entry.get("case").asText().equals(key.name()) && entry.get("n").asInt() == key.n();
      if (isIt && entry.path("ceiling").isTextual()) {
        return share + " of " + entry.get("ceiling").asText();
      }
    }
    return share;
  }

  private static String other(Recording recording, Recording.Key key) {
    return " "
        + number(recording.others(key), 1, "%.0f")
        + " | "
        + recording
            .ratio(key)
            .map(
                r ->
                    String.format(
                        Locale.ROOT, "%.2f | %.2f to %.2f |", r.median(), r.least(), r.most()))
            .orElse("| |");
  }

  private static String number(List<Double> values, double factor, String format) {
    return values.isEmpty()
        ? ""
        : String.format(Locale.ROOT, format, factor * Recording.median(values));
  }

  /// What stands beside the cases: memory, loading, what Spark costs.
  private static List<String> more(Recording recording) {
    JsonNode last = recording.ours().getLast();
    List<String> sentences = new ArrayList<>();
    if (last.path("peak_rss_mib").asLong() > 0) {
      sentences.add("Peak memory " + last.get("peak_rss_mib").asLong() + " MiB.");
    }
    JsonNode load = last.path("load");
    if (load.isObject()) {
      sentences.add(
          "Loading of "
              + String.format(Locale.ROOT, "%.2f GB: ", load.get("bytes").asLong() / 1e9)
              + loading("cold", load)
              + loading("warm", load).replaceFirst(", $", "."));
    }
    if (last.path("ratio").isNumber()) {
      sentences.add(
          String.format(
              Locale.ROOT,
              "Spark job / bare engine: %.3f (median of %d pairs).",
              last.get("ratio").doubleValue(),
              last.get("ratios").size()));
    }
    return sentences.isEmpty() ? List.of() : List.of(String.join(" ", sentences));
  }

  private static String loading(String kind, JsonNode load) {
    JsonNode seconds = load.path(kind + "_seconds");
    return seconds.isNumber()
        ? String.format(
            Locale.ROOT,
            "%s %.2f s (%.1f GB/s), ",
            kind,
            seconds.doubleValue(),
            load.get(kind + "_gb_per_s").doubleValue())
        : "";
  }
}

package io.sparkllama4.cli.gpu;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sparkllama4.backend.check.CheckResult;
import io.sparkllama4.backend.check.DeviceTests;
import io.sparkllama4.backend.check.Finding;
import io.sparkllama4.cli.bench.BenchReport;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// What a self-test found, for people and for programs.
///
/// @param facts of the device
/// @param sheet of the card, where it is known
/// @param parts results by part; none of a part that was not asked for
/// @param seconds that all of it took
public record SelfTestReport(
    DeviceTests.Facts facts,
    Optional<DeviceTests.DataSheet> sheet,
    Map<SelfTestPlan.Part, List<CheckResult>> parts,
    double seconds) {
  /// Keeps its own copy.
  public SelfTestReport {
    parts = Collections.unmodifiableMap(new EnumMap<>(parts));
  }

  /// How many checks ended so.
  public long count(Finding.Status status) {
    return parts.values().stream()
        .flatMap(List::stream)
        .filter(result -> result.finding().status() == status)
        .count();
  }

  /// Writes it into a document that has begun.
  public void describe(ObjectNode document) {
    BenchReport.describeMachine(document);
    document.put("card", facts.name());
    document.put("data_sheet", sheet.map(DeviceTests.DataSheet::card).orElse(null));
    document.put("driver", facts.driver());
    document.put("compute_capability", facts.computeCapability());
    document.put("emulated", facts.isEmulated());
    ObjectNode attributes = document.putObject("attributes");
    facts.attributes().forEach(attributes::put);
    ObjectNode nodes = document.putObject("parts");
    for (SelfTestPlan.Part part : SelfTestPlan.Part.values()) {
      ArrayNode checks = nodes.putArray(part.label());
      for (CheckResult result : parts.getOrDefault(part, List.of())) {
        describe(checks.addObject(), result);
      }
    }
    for (Finding.Status status : Finding.Status.values()) {
      document.put(label(status), count(status));
    }
    document.put("seconds", seconds);
  }

  private static void describe(ObjectNode node, CheckResult result) {
    Finding finding = result.finding();
    node.put("name", result.name()).put("status", label(finding.status()));
    node.put("seconds", result.seconds()).put("found", finding.text());
    ObjectNode figures = node.putObject("figures");
    finding.figures().forEach(figures::put);
  }

  private static String label(Finding.Status status) {
    return status.name().toLowerCase(Locale.ROOT);
  }

  /// A check in one line.
  static String line(CheckResult result) {
    return String.format(
        Locale.ROOT,
        "%-7s %-38s %7.2f s  %s",
        label(result.finding().status()),
        result.name(),
        result.seconds(),
        result.finding().text());
  }

  /// Everything for people.
  public List<String> lines() {
    List<String> lines = new ArrayList<>();
    lines.add(
        String.format(
            Locale.ROOT,
            "%s, compute capability %s, driver for CUDA %s, %s",
            facts.name(),
            facts.computeCapability(),
            facts.driver(),
            facts.attributes()));
    for (Map.Entry<SelfTestPlan.Part, List<CheckResult>> part : parts.entrySet()) {
      if (!part.getValue().isEmpty()) {
        lines.add("");
        lines.add(part.getKey().label());
        part.getValue().forEach(result -> lines.add("  " + line(result)));
      }
    }
    lines.add("");
    lines.add(
        String.format(
            Locale.ROOT,
            "%d passed, %d failed, %d skipped, in %.0f s",
            count(Finding.Status.PASSED),
            count(Finding.Status.FAILED),
            count(Finding.Status.SKIPPED),
            seconds));
    return lines;
  }
}

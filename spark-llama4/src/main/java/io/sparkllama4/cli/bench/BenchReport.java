package io.sparkllama4.cli.bench;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// What was measured, for people and for programs.
public final class BenchReport {
  private final List<Measured> cases;

  BenchReport(List<Measured> cases) {
    this.cases = List.copyOf(cases);
  }

  private Optional<Speeds> ceilings() {
    List<Speeds> all = cases.stream().flatMap(c -> c.ceilings().stream()).toList();
    return all.isEmpty() ? Optional.empty() : Optional.of(Speeds.median(all));
  }

  /// Writes what a figure must name besides itself: version, commit, date, processor, load.
  public static void describeMachine(ObjectNode document) {
    document.put("version", Machine.version()).put("commit", Machine.commit().orElse(null));
    document.put("date", LocalDate.now(ZoneOffset.UTC).toString());
    document.put("load_before", Machine.load().orElse(null));
    Machine.put(document.putObject("cpu"));
  }

  /// The median of some values, at least one.
  public static double median(List<Double> values) {
    return Measured.median(values);
  }

  /// Writes how long loading took.
  public static void describe(Loading loading, ObjectNode node) {
    node.put("bytes", loading.bytes()).put("stored_bytes", loading.storedBytes());
    node.put("cold_seconds", loading.coldSeconds().orElse(null));
    node.put("cold_gb_per_s", loading.coldSeconds().map(loading::storedPerSecond).orElse(null));
    node.put("warm_seconds", loading.warmSeconds());
    node.put("warm_gb_per_s", loading.storedPerSecond(loading.warmSeconds()));
    node.put("cached_seconds", loading.cachedSeconds().orElse(null));
  }

  /// Writes ceilings, cases and memory; call it last, when memory has had its peak.
  public void describe(ObjectNode document, BenchModel model, MemoryWatch memory) {
    ObjectNode best = document.putObject("ceilings");
    Optional<Speeds> typical = ceilings();
    best.put("fp32_gflops", typical.map(s -> s.fp32() / 1e9).orElse(null));
    best.put("bf16_gflops", typical.flatMap(Speeds::bf16).map(s -> s / 1e9).orElse(null));
    best.put("int8_gops", typical.flatMap(Speeds::int8).map(s -> s / 1e9).orElse(null));
    best.put("int4_gops", typical.flatMap(Speeds::int4).map(s -> s / 1e9).orElse(null));
    best.put("read_gb_per_s", typical.map(s -> s.read() / 1e9).orElse(null));
    ArrayNode entries = document.putArray("cases");
    cases.forEach(measured -> measured.describe(entries.addObject()));
    ObjectNode taken =
        document
            .putObject("memory")
            .put("weight_bytes", model.work().totalBytes())
            .put("mapped_weight_bytes", model.handle().mappedBytes())
            .put("kv_peak_bytes", model.kvPeakBytes());
    memory.describe(taken);
    document.put("peak_rss_mib", Machine.peakResidentBytes().orElse(0) >> 20);
  }

  /// A table.
  public List<String> lines(MemoryWatch memory) {
    List<String> lines = new ArrayList<>();
    Machine.describe().ifPresent(lines::add);
    ceilings().ifPresent(speeds -> lines.add("Ceilings: " + describe(speeds)));
    lines.add(
        String.format(
            Locale.ROOT,
            "%-22s %6s %10s %7s %9s %7s  %s",
            "case",
            "n",
            "tokens/s",
            "spread",
            "GFLOP/s",
            "GB/s",
            "share of ceiling"));
    cases.forEach(measured -> lines.add(line(measured)));
    lines.add(memory.line());
    return lines;
  }

  private static String describe(Speeds speeds) {
    return String.format(
        Locale.ROOT,
        "fp32 %.0f GFLOP/s, bf16 %s, int8 %s, reads %.1f GB/s",
        speeds.fp32() / 1e9,
        giga(speeds.bf16(), " GFLOP/s", "none"),
        giga(speeds.int8(), " GOP/s", "none"),
        speeds.read() / 1e9);
  }

  private static String giga(Optional<Double> perSecond, String unit, String absent) {
    return perSecond
        .map(value -> String.format(Locale.ROOT, "%.0f%s", value / 1e9, unit))
        .orElse(absent);
  }

  private static String line(Measured measured) {
    return String.format(
        Locale.ROOT,
        "%-22s %6d %10.1f %5.0f %% %9.1f %7s  %s",
        measured.name(),
        measured.n(),
        measured.median(),
        100 * measured.spread(),
        measured.flops() / 1e9,
        measured.bytes().map(b -> String.format(Locale.ROOT, "%.1f", b / 1e9)).orElse("-"),
        measured
            .share()
            .map(s -> String.format(Locale.ROOT, "%.0f %% of %s", 100 * s.share(), s.of()))
            .orElse("-"));
  }
}

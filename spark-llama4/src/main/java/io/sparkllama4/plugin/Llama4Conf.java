package io.sparkllama4.plugin;

import io.sparkllama4.backend.WeightForm;
import io.sparkllama4.engine.EngineOptions;
import io.sparkllama4.engine.SpeculationMode;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.error.Llama4Exception;
import io.sparkllama4.runtime.RuntimeOptions;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import org.apache.spark.SparkConf;
import org.apache.spark.network.util.JavaUtils;
import scala.Tuple2;

/// The plugin's configuration, typed and checked. A value comes from the SparkConf of the
/// application or is the key's default; sessions do not change it, since engines outlive them.
///
/// @param models directories by alias
/// @param runtime how models are run
/// @param seed from which rows derive theirs
/// @param windowRows rows that one task keeps in flight
/// @param answersBytes memory for answers that equal rows of a statement share
public record Llama4Conf(
    Map<String, Path> models,
    RuntimeOptions runtime,
    long seed,
    int windowRows,
    long answersBytes) {

  /// The alias of the model that calls use when they name none.
  public static final String DEFAULT_ALIAS = "default";

  /// Copies the map.
  public Llama4Conf {
    models = Map.copyOf(models);
  }

  /// Reads and checks the configuration of an application.
  ///
  /// @throws Llama4Exception with INVALID_OPTION or UNKNOWN_OPTION and the key
  public static Llama4Conf of(SparkConf conf) {
    Map<String, String> values = new TreeMap<>();
    for (Tuple2<String, String> entry : conf.getAllWithPrefix(Llama4ConfKeys.PREFIX)) {
      values.put(Llama4ConfKeys.PREFIX + entry._1(), entry._2());
    }
    return new Reader(values).read(cores(conf));
  }

  /// The cores of an executor: those that it was given, or in local mode those of the master.
  private static int cores(SparkConf conf) {
    int machine = Runtime.getRuntime().availableProcessors();
    String master = conf.get("spark.master", "local");
    if (master.startsWith("local[") && !master.startsWith("local[*")) {
      String count = master.substring("local[".length()).split("[,\\]]", -1)[0];
      return Math.min(machine, Integer.parseInt(count));
    }
    return master.startsWith("local")
        ? machine
        : Math.min(machine, conf.getInt("spark.executor.cores", machine));
  }

  private record Reader(Map<String, String> values) {
    Llama4Conf read(int cores) {
      requireKnown();
      int threads = integer(Llama4ConfKeys.THREADS, 0);
      RuntimeOptions runtime =
          new RuntimeOptions(
              choice(Llama4ConfKeys.BACKEND, "auto", "cpu", "cuda"),
              choice(Llama4ConfKeys.KERNELS, "auto", "scalar", "vector", "native"),
              threads == 0 ? cores : threads,
              choice(Llama4ConfKeys.WEIGHTS, "stored", "bf16", "int8", "int4"),
              groupOfInt4(),
              Optional.of(text(Llama4ConfKeys.WEIGHTS_CACHE).trim())
                  .filter(directory -> !directory.isEmpty())
                  .map(Path::of),
              integer(Llama4ConfKeys.RANKS, 1),
              List.of(),
              choice(Llama4ConfKeys.KV_DTYPE, "auto", "f32", "bf16", "fp8"),
              flag(Llama4ConfKeys.STRICT),
              new EngineOptions(
                  integer(Llama4ConfKeys.MAX_BATCH, 1),
                  integer(Llama4ConfKeys.PREFILL_CHUNK, 0),
                  integer(Llama4ConfKeys.KV_TOKENS, 0),
                  choice(Llama4ConfKeys.PREFIX_CACHE, "on", "off").equals("on"),
                  SpeculationMode.valueOf(
                      choice(Llama4ConfKeys.SPECULATION, "auto", "on", "off")
                          .toUpperCase(Locale.ROOT))));
      long seed = parse(Llama4ConfKeys.SEED, Long::valueOf, "an integer of 64 bits");
      long answers =
          parse(
              Llama4ConfKeys.ANSWERS_BYTES,
              JavaUtils::byteStringAsBytes,
              "a number of bytes, with k, m or g behind it for more");
      return new Llama4Conf(
          models(), runtime, seed, integer(Llama4ConfKeys.WINDOW_ROWS, 1), answers);
    }

    /// A size of groups that nothing would have is refused rather than left without effect.
    private int groupOfInt4() {
      if (text(Llama4ConfKeys.WEIGHTS_GROUP).isBlank()) {
        return WeightForm.INT4.group();
      }
      int group = Integer.parseInt(choice(Llama4ConfKeys.WEIGHTS_GROUP, "32", "128"));
      String weights = text(Llama4ConfKeys.WEIGHTS).trim();
      if (!weights.equals(WeightForm.INT4.label())) {
        throw invalid(
            Llama4ConfKeys.WEIGHTS_GROUP,
            "with "
                + Llama4ConfKeys.WEIGHTS
                + " int4; with "
                + weights
                + " no weights share scales in groups");
      }
      return group;
    }

    private Map<String, Path> models() {
      Map<String, Path> models = new TreeMap<>();
      if (!text(Llama4ConfKeys.MODEL).isEmpty()) {
        models.put(DEFAULT_ALIAS, Path.of(text(Llama4ConfKeys.MODEL)));
      }
      values.forEach(
          (key, directory) -> {
            if (key.startsWith(Llama4ConfKeys.MODELS)) {
              models.put(key.substring(Llama4ConfKeys.MODELS.length()), Path.of(directory));
            }
          });
      return models;
    }

    private void requireKnown() {
      for (String key : values.keySet()) {
        boolean known =
            key.startsWith(Llama4ConfKeys.MODELS)
                || Llama4ConfKeys.ALL.stream().anyMatch(known1 -> known1.name().equals(key));
        if (!known) {
          throw ErrorReport.of(ErrorCode.UNKNOWN_OPTION, "Unknown configuration key [" + key + "]")
              .found(
                  key,
                  String.join(
                      ", ", Llama4ConfKeys.ALL.stream().map(Llama4ConfKeys.Key::name).toList()))
              .key(key)
              .exception();
        }
      }
    }

    private String text(String key) {
      String otherwise =
          Llama4ConfKeys.ALL.stream()
              .filter(known -> known.name().equals(key))
              .findFirst()
              .orElseThrow()
              .otherwise();
      return values.getOrDefault(key, otherwise);
    }

    private int integer(String key, int least) {
      int value = parse(key, Integer::valueOf, "an integer of at least " + least);
      if (value < least) {
        throw invalid(key, "an integer of at least " + least);
      }
      return value;
    }

    private String choice(String key, String... allowed) {
      List<String> names = List.of(allowed);
      return parse(
          key,
          value -> {
            if (!names.contains(value)) {
              throw new IllegalArgumentException(value);
            }
            return value;
          },
          String.join(", ", names));
    }

    private boolean flag(String key) {
      return parse(
          key,
          value ->
              switch (value) {
                case "true" -> true;
                case "false" -> false;
                default -> throw new IllegalArgumentException(value);
              },
          "true or false");
    }

    private <T> T parse(String key, Function<String, T> parser, String expected) {
      try {
        return parser.apply(text(key).trim());
      } catch (IllegalArgumentException e) {
        throw invalid(key, expected);
      }
    }

    private Llama4Exception invalid(String key, String expected) {
      return ErrorReport.of(
              ErrorCode.INVALID_OPTION, "Configuration " + key + " cannot be [" + text(key) + "]")
          .found(text(key), expected)
          .key(key)
          .exception();
    }
  }
}

package io.sparkllama4.plugin;

import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.error.Llama4Exception;
import java.util.Comparator;
import java.util.List;

/// Every key of the configuration, with its default. `conf/spark-defaults.conf.template` documents
/// them for users; a test holds the two together.
public final class Llama4ConfKeys {
  /// What all keys begin with.
  public static final String PREFIX = "spark.llama4.";

  /// Directory of the model that calls use when they name none: the alias `default`.
  public static final String MODEL = PREFIX + "model";

  /// Directory of the model with the alias that follows.
  public static final String MODELS = PREFIX + "models.";

  /// `auto` or a backend's name.
  public static final String BACKEND = PREFIX + "backend";

  /// `auto` or a kernel path of the CPU backend.
  public static final String KERNELS = PREFIX + "kernels";

  /// Compute threads of an executor; 0 for its cores.
  public static final String THREADS = PREFIX + "threads";

  /// Form of the weights in memory.
  public static final String WEIGHTS = PREFIX + "weights";

  /// Weights that share a scale where they become 4-bit integers; empty for the usual number.
  public static final String WEIGHTS_GROUP = PREFIX + "weights.group";

  /// Directory that keeps packed weights for the next start; empty for none.
  public static final String WEIGHTS_CACHE = PREFIX + "weights.cache";

  /// Devices that share a model.
  public static final String RANKS = PREFIX + "ranks";

  /// The library of CUDA's driver; empty to look for it.
  public static final String CUDA_LIBRARY = PREFIX + "cuda.library";

  /// NCCL's library; empty to look for it.
  public static final String NCCL_LIBRARY = PREFIX + "nccl.library";

  /// Whether sums must not depend on what shares a step.
  public static final String STRICT = PREFIX + "strict";

  /// Most sequences in a step.
  public static final String MAX_BATCH = PREFIX + "batch.max";

  /// Most prompt tokens of one sequence in a step; 0 for all.
  public static final String PREFILL_CHUNK = PREFIX + "prefill.chunk";

  /// Size of the KV cache in tokens; 0 to derive it from free memory.
  public static final String KV_TOKENS = PREFIX + "kv.tokens";

  /// Type of keys and values; `auto` for what the backend likes.
  public static final String KV_DTYPE = PREFIX + "kv.dtype";

  /// Whether rows that begin alike share what was computed for it.
  public static final String PREFIX_CACHE = PREFIX + "prefix.cache";

  /// Whether tokens of outputs are guessed and several verified in one step.
  public static final String SPECULATION = PREFIX + "speculation";

  /// Seed from which rows without one derive theirs.
  public static final String SEED = PREFIX + "seed";

  /// Rows that one task keeps in flight.
  public static final String WINDOW_ROWS = PREFIX + "window.rows";

  /// Memory for answers that equal rows of a statement share; 0 to share none.
  public static final String ANSWERS_BYTES = PREFIX + "answers.bytes";

  /// Keys with their defaults, in the order of the template; aliases of models apart.
  public static final List<Key> ALL =
      List.of(
          new Key(MODEL, "", "--model"),
          new Key(BACKEND, "auto", "--backend"),
          new Key(KERNELS, "auto", "--kernels"),
          new Key(THREADS, "0", "--threads"),
          new Key(WEIGHTS, "stored", "--weights"),
          new Key(WEIGHTS_GROUP, "", "--int4-group"),
          new Key(WEIGHTS_CACHE, "", "--weights-cache"),
          new Key(RANKS, "1", "--ranks"),
          new Key(CUDA_LIBRARY, "", ""),
          new Key(NCCL_LIBRARY, "", ""),
          new Key(STRICT, "true", "--strict"),
          new Key(MAX_BATCH, "256", "--max-batch"),
          new Key(PREFILL_CHUNK, "512", "--prefill-chunk"),
          new Key(KV_TOKENS, "0", "--kv-tokens"),
          new Key(KV_DTYPE, "auto", "--kv-dtype"),
          new Key(PREFIX_CACHE, "on", "--prefix-cache"),
          new Key(SPECULATION, "auto", "--speculation"),
          new Key(SEED, "0", "--seed"),
          new Key(WINDOW_ROWS, "256", ""),
          new Key(ANSWERS_BYTES, "64m", ""));

  private Llama4ConfKeys() {}

  /// A key and its default.
  ///
  /// @param name the whole key
  /// @param otherwise its value where none is set; empty where it must be set
  /// @param option what sets the same on the command line; empty where nothing does
  public record Key(String name, String otherwise, String option) {}

  /// What the runtime says of options of the command line, said of the keys that set the same: a
  /// user of Spark never sees the others.
  ///
  /// @param alias the model that it is about
  public static Llama4Exception inTermsOfKeys(String alias, Llama4Exception failure) {
    ErrorReport report = failure.report();
    String model = alias.equals(Llama4Conf.DEFAULT_ALIAS) ? MODEL : MODELS + alias;
    String message = report.message();
    String key = report.key().isEmpty() ? model : report.key();
    // Longest first: one option's name may begin with another's.
    for (Key known :
        ALL.stream().sorted(Comparator.comparingInt((Key k) -> -k.option().length())).toList()) {
      if (!known.option().isEmpty()) {
        String name = known.name().equals(MODEL) ? model : known.name();
        message = message.replace(known.option(), name);
        key = key.equals(known.option()) ? name : key;
      }
    }
    return new ErrorReport(
            report.code(),
            message,
            report.file(),
            report.tensor(),
            report.found(),
            report.expected(),
            key)
        .exception(failure);
  }
}

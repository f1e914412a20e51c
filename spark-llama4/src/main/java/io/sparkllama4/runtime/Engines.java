package io.sparkllama4.runtime;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.text.Tokenizer;
import io.sparkllama4.weights.Checkpoint;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

/// The models of a process by alias, each loaded when it is first asked for, once, and shared by
/// everybody.
///
/// All share one plan of memory: a model that is loaded later gets what the earlier ones have
/// neither taken nor planned, so that none runs out of memory that it was promised.
public final class Engines implements AutoCloseable {
  private final Map<String, Path> directories;
  private final RuntimeOptions options;
  private final Map<String, ModelHandle> open = new TreeMap<>();
  private final Map<String, Tokenizer> tokenizers = new TreeMap<>();
  private boolean closed;

  /// Models that may be loaded.
  ///
  /// @param directories by alias
  public Engines(Map<String, Path> directories, RuntimeOptions options) {
    this.directories = new TreeMap<>(directories);
    this.options = options;
  }

  /// The model `alias`, loading it if nobody has yet; others who ask meanwhile wait for the same
  /// load.
  ///
  /// @throws io.sparkllama4.error.Llama4Exception with UNKNOWN_MODEL, or why it cannot be loaded
  public synchronized ModelHandle model(String alias) {
    requireOpen();
    ModelHandle handle = open.get(alias);
    if (handle == null) {
      long reserved = open.values().stream().mapToLong(ModelHandle::outstandingBytes).sum();
      handle = ModelHandle.open(directory(alias), options, reserved);
      open.put(alias, handle);
    }
    return handle;
  }

  /// The tokenizer of the model `alias` and no more of it: no weight is read, no memory planned.
  ///
  /// @throws io.sparkllama4.error.Llama4Exception with UNKNOWN_MODEL, or why it cannot be read
  public synchronized Tokenizer tokenizer(String alias) {
    requireOpen();
    ModelHandle handle = open.get(alias);
    Tokenizer tokenizer = handle == null ? tokenizers.get(alias) : handle.tokenizer();
    if (tokenizer == null) {
      Path directory = directory(alias);
      tokenizer = Tokenizer.open(directory, Checkpoint.vocabulary(directory));
      tokenizers.put(alias, tokenizer);
    }
    return tokenizer;
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("The engines of this process have been closed");
    }
  }

  private Path directory(String alias) {
    Path directory = directories.get(alias);
    if (directory == null) {
      throw unknownModel(alias, String.join(", ", directories.keySet()));
    }
    return directory;
  }

  /// The error of an alias that nobody configured.
  ///
  /// @param known the aliases that are
  public static io.sparkllama4.error.Llama4Exception unknownModel(String alias, String known) {
    return ErrorReport.of(
            ErrorCode.UNKNOWN_MODEL,
            "Unknown model ["
                + alias
                + "]; configure it as spark.llama4.models.<alias> = directory. SQL names models by"
                + " alias, never by path")
        .found(alias, known.isEmpty() ? "no model is configured" : known)
        .key("model")
        .exception();
  }

  /// Closes all models. Nobody may use them any more.
  @Override
  public synchronized void close() {
    closed = true;
    open.values().forEach(ModelHandle::close);
    open.clear();
    tokenizers.values().forEach(Tokenizer::close);
    tokenizers.clear();
  }
}

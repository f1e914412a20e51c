package io.sparkllama4.weights;

import com.fasterxml.jackson.databind.JsonNode;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.model.DecoderSpec;
import io.sparkllama4.model.DecoderWeights;
import io.sparkllama4.tensor.NativeArena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/// A directory that holds a model, opened and checked: configuration, weights in place, digest.
///
/// Opening maps the weight files; closing unmaps them, after which no weight may be used.
public final class Checkpoint implements AutoCloseable {
  private final Path directory;
  private final ModelConfig config;
  private final List<Integer> stopIds;
  private final NativeArena arena;
  private final DecoderWeights weights;
  private final WeightSummary summary;
  private final String digest;
  private final List<Warning> warnings;

  /// What the weights amount to.
  ///
  /// @param bytes memory as stored, of the text model
  /// @param files weight files
  /// @param dtype label of the type of most weights, such as `bf16`
  /// @param quantization `none`, `fp8` or `w4a16`
  /// @param parameters number of weights
  public record WeightSummary(
      long bytes, int files, String dtype, String quantization, long parameters) {}

  private Checkpoint(Path directory, ModelConfig config, List<Integer> stopIds, NativeArena arena) {
    this.directory = directory;
    this.config = config;
    this.stopIds = stopIds;
    this.arena = arena;
    this.warnings = new ArrayList<>(config.warnings());
    TensorFiles files = TensorFiles.open(directory, arena);
    WeightReader reader = new WeightReader(files, config.quantization());
    this.weights = new WeightLoader(config.spec(), WeightNames.of(files), reader, arena).load();
    this.summary =
        new WeightSummary(
            reader.bytes(),
            files.count(),
            weights.embedding().dtype().label(),
            quantizationLabel(config.quantization()),
            reader.parameters());
    warnOfUnknown(reader.unused());
    this.digest = CheckpointDigest.of(directory, files);
  }

  /// Opens the checkpoint in `directory`.
  ///
  /// @throws io.sparkllama4.error.Llama4Exception with a checkpoint's code, file, tensor, what was
  ///     found and what is expected
  public static Checkpoint open(Path directory) {
    ModelConfig config = config(directory);
    List<Integer> stopIds = stopIds(directory, config);
    NativeArena arena = new NativeArena();
    try {
      return new Checkpoint(directory, config, stopIds, arena);
    } catch (RuntimeException | Error e) {
      arena.close();
      throw e;
    }
  }

  /// How many ids the model in `directory` has embeddings for; opens no weights.
  ///
  /// @throws io.sparkllama4.error.Llama4Exception with a code of the directory or of its
  ///     config.json
  public static int vocabulary(Path directory) {
    return config(directory).spec().vocabulary();
  }

  private static ModelConfig config(Path directory) {
    return ModelConfig.of(configJson(directory));
  }

  /// The `config.json` of `directory`.
  static JsonNode configJson(Path directory) {
    if (!Files.isDirectory(directory)) {
      throw ErrorReport.of(ErrorCode.MISSING_FILE, "Cannot find the directory " + directory)
          .file(directory.toString())
          .key("--model")
          .exception();
    }
    Path file = directory.resolve("config.json");
    if (!Files.isRegularFile(file)) {
      throw ErrorReport.of(ErrorCode.MISSING_FILE, "Cannot find " + file)
          .file("config.json")
          .exception();
    }
    return JsonFiles.readObject(file, ErrorCode.INVALID_CONFIG);
  }

  /// The ids that end an answer: those of `generation_config.json`, else those of `config.json`.
  private static List<Integer> stopIds(Path directory, ModelConfig config) {
    Path file = directory.resolve("generation_config.json");
    if (!Files.isRegularFile(file)) {
      return config.eosIds();
    }
    ConfigNode generation =
        new ConfigNode(
            "generation_config.json", JsonFiles.readObject(file, ErrorCode.INVALID_CONFIG), "");
    return generation.has("eos_token_id")
        ? Llama4Config.tokenIds(generation, "eos_token_id")
        : config.eosIds();
  }

  private static String quantizationLabel(QuantizationConfig quantization) {
    return switch (quantization.format()) {
      case NONE -> "none";
      case FP8_ROWS -> "fp8";
      case INT4_GROUPS -> "w4a16";
    };
  }

  private void warnOfUnknown(Set<String> unused) {
    List<String> unknown = unused.stream().filter(name -> !WeightNames.isVision(name)).toList();
    if (!unknown.isEmpty()) {
      warnings.add(
          new Warning(
              "UNKNOWN_TENSORS",
              unknown.size()
                  + " tensors are not part of the model and are ignored, the first of them ["
                  + unknown.getFirst()
                  + "]"));
    }
  }

  /// Where it lies.
  public Path directory() {
    return directory;
  }

  /// What its configuration says.
  public ModelConfig config() {
    return config;
  }

  /// The decoder as data.
  public DecoderSpec spec() {
    return config.spec();
  }

  /// The ids that end an answer.
  public List<Integer> stopIds() {
    return stopIds;
  }

  /// Its weights, where the files are mapped.
  public DecoderWeights weights() {
    return weights;
  }

  /// What the weights amount to.
  public WeightSummary summary() {
    return summary;
  }

  /// Its content's name: `sha256:` and 64 hexadecimal digits.
  public String digest() {
    return digest;
  }

  /// What is odd about it.
  public List<Warning> warnings() {
    return List.copyOf(warnings);
  }

  @Override
  public void close() {
    arena.close();
  }
}

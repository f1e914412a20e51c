package io.sparkllama4.golden;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sparkllama4.backend.Kernels;
import io.sparkllama4.backend.cpu.CpuBackend;
import io.sparkllama4.backend.cpu.ScalarKernels;
import io.sparkllama4.error.Llama4Exception;
import io.sparkllama4.golden.Comparison.Difference;
import io.sparkllama4.model.DecoderWeights;
import io.sparkllama4.tensor.NativeArena;
import io.sparkllama4.weights.Checkpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.MethodSource;

/// The oracles are strict enough: each of many likely errors, planted on purpose, fails the
/// comparison that the right decoder passes.
class PlantedErrorTest {
  /// By oracle: the errors of one checkpoint share the run that must find nothing.
  private static final Map<String, List<Difference>> WITHOUT_ERROR = new ConcurrentHashMap<>();

  static List<PlantedError> errors() {
    return Stream.of(RotaryErrors.ALL, AttentionErrors.ALL, MixtureErrors.ALL, NumberErrors.ALL)
        .flatMap(List::stream)
        .toList();
  }

  static List<Oracle> oracles() {
    return errors().stream().map(PlantedError::oracle).distinct().map(Oracle::named).toList();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("errors")
  void oracleSees(PlantedError error) {
    Oracle oracle = Oracle.named(error.oracle());
    assertThat(WITHOUT_ERROR.computeIfAbsent(oracle.name(), _ -> differencesWithoutError(oracle)))
        .as("without the error")
        .isEmpty();
    List<Difference> differences = differences(oracle, error.kernels().get(), error.weights());
    assertThat(differences).as("with the error").isNotEmpty();
    Difference first = differences.getFirst();
    assertThat(first.name()).as("what differs first").isEqualTo(error.seenBy());
    assertThat(first.tolerances())
        .as("difference of %s, in tolerances", first.name())
        .isGreaterThanOrEqualTo(error.tolerances());
  }

  /// Half of the errors of attention vary this one, which must be right for that to mean anything.
  @ParameterizedTest(name = "{0}")
  @MethodSource("oracles")
  void variedAttentionIsRightWithoutVariation(Oracle oracle) {
    assertThat(differences(oracle, new VariedAttention(), (weights, memory) -> weights)).isEmpty();
  }

  @ParameterizedTest(name = "{0}")
  @FieldSource("io.sparkllama4.golden.MadeInputError#ALL")
  void madeInputShows(MadeInputError error) {
    try (NativeArena memory = new NativeArena()) {
      assertThat(error.outcome().of(new ScalarKernels(), memory))
          .as("without the error")
          .isCloseTo(error.right(), within(1e-5));
      assertThat(error.outcome().of(error.kernels(), memory))
          .as("with the error")
          .isCloseTo(error.wrong(), within(1e-5));
    }
    assertThat(error.wrong()).isNotCloseTo(error.right(), within(0.1));
  }

  @ParameterizedTest(name = "{0}")
  @FieldSource("io.sparkllama4.golden.ConfigError#ALL")
  void tensorsContradict(ConfigError error, @TempDir Path copy) throws IOException {
    copy(Oracle.named(error.oracle()).directory(), copy);
    Checkpoint.open(copy).close();
    ObjectMapper json = new ObjectMapper();
    Path config = copy.resolve("config.json");
    JsonNode edited = json.readTree(config.toFile());
    error
        .edit()
        .accept((ObjectNode) (edited.has("text_config") ? edited.get("text_config") : edited));
    json.writeValue(config.toFile(), edited);
    assertThatThrownBy(() -> Checkpoint.open(copy).close())
        .isInstanceOfSatisfying(
            Llama4Exception.class,
            refused -> assertThat(refused.report().code()).isEqualTo(error.code()))
        .hasMessageContaining(error.tensor());
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.list(from)) {
      for (Path file : files.toList()) {
        Files.copy(file, to.resolve(file.getFileName()));
      }
    }
  }

  @Test
  void everyErrorIsInTheDocumentation() throws IOException {
    Path page = Path.of(System.getProperty("sparkllama4.root"), "docs/planted-errors.md");
    List<String> rows = new ArrayList<>();
    errors().forEach(error -> rows.add(error.tableRow()));
    MadeInputError.ALL.forEach(error -> rows.add(error.tableRow()));
    ConfigError.ALL.forEach(error -> rows.add(error.tableRow()));
    assertThat(rows).doesNotHaveDuplicates();
    assertThat(Files.readAllLines(page)).containsSubsequence(rows);
  }

  private static List<Difference> differencesWithoutError(Oracle oracle) {
    return differences(oracle, new ScalarKernels(), (weights, memory) -> weights);
  }

  private static List<Difference> differences(
      Oracle oracle, Kernels kernels, PlantedError.Weights change) {
    try (Checkpoint checkpoint = Checkpoint.open(oracle.directory());
        NativeArena memory = new NativeArena();
        CpuBackend backend = CpuBackend.plain(kernels, 1)) {
      DecoderWeights weights = change.change(checkpoint.weights(), memory);
      return Comparison.differences(oracle, checkpoint.spec(), weights, backend);
    }
  }
}

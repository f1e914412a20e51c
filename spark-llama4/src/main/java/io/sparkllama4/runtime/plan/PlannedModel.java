package io.sparkllama4.runtime.plan;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.weights.ModelOutline;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// A model to plan for.
///
/// @param name as it was asked for: a directory or one of [#NAMES]
/// @param outline what its configuration says
/// @param assumptions what of it is not published but assumed; empty for a directory
public record PlannedModel(String name, ModelOutline outline, List<String> assumptions) {
  /// Models whose shapes are bundled, from conf/models.
  public static final List<String> NAMES = List.of("scout", "maverick", "behemoth");

  private static final ObjectMapper JSON = new ObjectMapper();

  /// Copies the list.
  public PlannedModel {
    assumptions = List.copyOf(assumptions);
  }

  /// The bundled model of that name, else the one in that directory, of which `config.json` alone
  /// is read.
  ///
  /// @throws io.sparkllama4.error.Llama4Exception with a code of a directory or of a config.json
  public static PlannedModel of(String nameOrDirectory) {
    if (NAMES.contains(nameOrDirectory)) {
      return bundled(nameOrDirectory);
    }
    Path directory = Path.of(nameOrDirectory);
    if (!Files.isDirectory(directory)) {
      throw ErrorReport.of(
              ErrorCode.MISSING_FILE, "Cannot find the model [" + nameOrDirectory + "]")
          .file(nameOrDirectory)
          .found("no such directory", "a checkpoint's directory, or " + String.join(", ", NAMES))
          .key("--model")
          .exception();
    }
    return new PlannedModel(nameOrDirectory, ModelOutline.read(directory), List.of());
  }

  private static PlannedModel bundled(String name) {
    byte[] config =
        resource(name + "/config.json")
            .orElseThrow(() -> new IllegalStateException("No shape of [" + name + "] is bundled"));
    List<String> assumptions =
        resource(name + "/assumptions.json").map(PlannedModel::assumptions).orElse(List.of());
    return new PlannedModel(name, ModelOutline.read(config), assumptions);
  }

  private static List<String> assumptions(byte[] content) {
    try {
      List<String> assumptions = new ArrayList<>();
      for (JsonNode note : JSON.readTree(content).required("assumptions")) {
        assumptions.add(note.textValue());
      }
      return assumptions;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Optional<byte[]> resource(String path) {
    try (InputStream content = PlannedModel.class.getResourceAsStream("models/" + path)) {
      return content == null ? Optional.empty() : Optional.of(content.readAllBytes());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

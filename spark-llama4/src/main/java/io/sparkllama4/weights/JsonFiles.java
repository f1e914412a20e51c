package io.sparkllama4.weights;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// Reads the JSON files of a checkpoint.
final class JsonFiles {
  /// Some twenty times the largest index that is published, that of 128 experts in single tensors.
  private static final long MOST_BYTES = 64L << 20;

  private static final ObjectMapper MAPPER =
      new ObjectMapper(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(64)
                          .maxStringLength(64_000_000)
                          .build())
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private JsonFiles() {}

  /// The object in `file`.
  ///
  /// @param code the code of whatever is wrong with it
  static JsonNode readObject(Path file, ErrorCode code) {
    String name = file.getFileName().toString();
    try {
      long size = Files.size(file);
      if (size > MOST_BYTES) {
        throw ErrorReport.of(code, "Cannot use " + name + ": it is too large")
            .file(name)
            .found(size + " bytes", "at most " + MOST_BYTES + " bytes")
            .exception();
      }
      return readObject(name, Files.readAllBytes(file), code);
    } catch (IOException e) {
      throw unreadable(name, e);
    }
  }

  /// The object in the content of a file.
  ///
  /// @param name what messages call the file
  /// @param code the code of whatever is wrong with it
  static JsonNode readObject(String name, byte[] content, ErrorCode code) {
    JsonNode node;
    try {
      node = MAPPER.readTree(content);
    } catch (JacksonException e) {
      throw ErrorReport.of(code, "Cannot read " + name + " as JSON: " + e.getOriginalMessage())
          .file(name)
          .exception();
    } catch (IOException e) {
      throw unreadable(name, e);
    }
    if (!node.isObject()) {
      throw ErrorReport.of(code, "Cannot use " + name + ": it is no JSON object")
          .file(name)
          .found(node.getNodeType(), "an object")
          .exception();
    }
    return node;
  }

  /// A file that is there but cannot be read counts as missing: its rights or the disk are at
  /// fault.
  static RuntimeException unreadable(String name, IOException cause) {
    return ErrorReport.of(ErrorCode.MISSING_FILE, "Cannot read " + name + ": " + cause)
        .file(name)
        .exception(cause);
  }
}

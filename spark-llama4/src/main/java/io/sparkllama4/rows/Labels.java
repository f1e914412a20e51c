package io.sparkllama4.rows;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.error.Llama4Exception;
import io.sparkllama4.runtime.GenerationOptions;
import io.sparkllama4.runtime.PromptEncoder;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.spark.sql.catalyst.util.ArrayData;
import org.apache.spark.unsafe.types.UTF8String;

/// The labels that a text may get: different texts, none of them empty.
///
/// @param names in the order given, which decides ties
public record Labels(List<String> names) {
  private static final int FEWEST = 2;
  private static final int MOST = 500;

  /// What the prompt says first, where a row does not say otherwise.
  static final String INSTRUCTION =
      "Classify the text with one of the labels below. Answer with the label only.";

  /// Reads and checks an array of texts.
  ///
  /// @throws Llama4Exception with INVALID_OPTION or INVALID_UTF8
  public static Labels read(ArrayData data) {
    if (data.numElements() < FEWEST || data.numElements() > MOST) {
      throw invalid(data.numElements() + " labels");
    }
    List<String> names = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    for (int i = 0; i < data.numElements(); i++) {
      if (data.isNullAt(i)) {
        throw invalid("NULL as label [" + i + "]");
      }
      UTF8String text = data.getUTF8String(i);
      if (!text.isValid()) {
        throw PromptEncoder.invalidUtf8();
      }
      String name = text.toString();
      if (name.isEmpty()) {
        throw invalid("an empty text as label [" + i + "]");
      }
      if (!seen.add(name)) {
        throw invalid("label [" + i + "] a second time");
      }
      names.add(name);
    }
    return new Labels(List.copyOf(names));
  }

  private static Llama4Exception invalid(String found) {
    return ErrorReport.of(ErrorCode.INVALID_OPTION, "Cannot use the labels")
        .found(found, FEWEST + " to " + MOST + " different texts, none of them NULL or empty")
        .key("labels")
        .exception();
  }

  /// Refuses a description of what is no label.
  ///
  /// @throws Llama4Exception with INVALID_OPTION
  public void requireDescribed(Map<String, String> descriptions) {
    for (String described : descriptions.keySet()) {
      if (!names.contains(described)) {
        throw ErrorReport.of(
                ErrorCode.INVALID_OPTION, "Option [descriptions] describes what is no label")
            .found(described, String.join(", ", names))
            .key("descriptions")
            .exception();
      }
    }
  }

  /// What stands in front of the text: instruction, labels with their descriptions, and `Text:`.
  String question(GenerationOptions options) {
    Map<String, String> descriptions = options.descriptions();
    StringBuilder question = new StringBuilder(options.instruction().orElse(INSTRUCTION));
    question.append("\n\nLabels:\n");
    for (String name : names) {
      question.append("- ").append(name);
      if (descriptions.containsKey(name)) {
        question.append(": ").append(descriptions.get(name));
      }
      question.append('\n');
    }
    return question.append("\nText:\n").toString();
  }
}

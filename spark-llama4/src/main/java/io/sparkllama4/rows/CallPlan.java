package io.sparkllama4.rows;

import java.io.Serializable;
import java.util.List;
import org.apache.spark.sql.types.DataType;

/// One model call as a task sees it. Its arguments come as a row: the prompt, then the named
/// options, then the map of options where there is one.
///
/// @param kind what becomes of a completion
/// @param alias the model
/// @param promptType STRING, or an array of messages
/// @param options the named options
/// @param optionMap type of the map of options; NULL type without one
public record CallPlan(
    CallKind kind, String alias, DataType promptType, List<Option> options, DataType optionMap)
    implements Serializable {

  /// A named option.
  ///
  /// @param name its name
  /// @param type type of its column
  public record Option(String name, DataType type) implements Serializable {}

  /// Copies the list.
  public CallPlan {
    options = List.copyOf(options);
  }
}

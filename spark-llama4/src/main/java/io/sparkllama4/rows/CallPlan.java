package io.sparkllama4.rows;

import java.io.Serializable;
import java.util.List;
import org.apache.spark.sql.types.DataType;

/// One model call as a task sees it. Its arguments come as a row: those of the function's
/// parameters, then the named options, then the map of options where there is one.
///
/// @param kind the function
/// @param alias the model
/// @param types the types of the parameters' arguments
/// @param options the named options
/// @param optionMap type of the map of options; NULL type without one
public record CallPlan(
    CallKind kind, String alias, List<DataType> types, List<Option> options, DataType optionMap)
    implements Serializable {

  /// A named option.
  ///
  /// @param name its name
  /// @param type type of its column
  public record Option(String name, DataType type) implements Serializable {}

  /// Copies the lists.
  public CallPlan {
    types = List.copyOf(types);
    options = List.copyOf(options);
  }
}

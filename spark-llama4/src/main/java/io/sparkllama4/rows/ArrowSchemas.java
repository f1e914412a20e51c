package io.sparkllama4.rows;

import java.util.List;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.apache.arrow.vector.types.pojo.Schema;

/// The columns of the Arrow batches that go to an engine.
final class ArrowSchemas {
  /// Token ids of a row's prompt: a list of 32-bit integers.
  static final String IDS = "ids";

  private ArrowSchemas() {}

  /// One column, [#IDS].
  static Schema tokens() {
    Field id = new Field("id", FieldType.notNullable(new ArrowType.Int(32, true)), List.of());
    return new Schema(
        List.of(new Field(IDS, FieldType.notNullable(new ArrowType.List()), List.of(id))));
  }
}

package io.sparkllama4.rows;

import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.NullType;
import org.apache.spark.sql.types.StringType;

/// Types that an argument of a function may have, in Spark's words. NULL is of all of them.
public enum ArgumentType {
  /// A text.
  TEXT("\"STRING\""),
  /// A conversation.
  CONVERSATION("\"ARRAY<STRUCT<role: STRING, content: STRING>>\""),
  /// A text or a conversation.
  TEXT_OR_CONVERSATION("(\"STRING\" or \"ARRAY<STRUCT<role: STRING, content: STRING>>\")"),
  /// Several texts.
  TEXTS("\"ARRAY<STRING>\"");

  private final String sql;

  ArgumentType(String sql) {
    this.sql = sql;
  }

  /// The types as Spark's messages show them.
  public String sql() {
    return sql;
  }

  /// True where a value of `type` may be given.
  public boolean accepts(DataType type) {
    if (type instanceof NullType) {
      return true;
    }
    return switch (this) {
      case TEXT -> type instanceof StringType;
      case CONVERSATION -> MessageColumns.isConversation(type);
      case TEXT_OR_CONVERSATION ->
          type instanceof StringType || MessageColumns.isConversation(type);
      case TEXTS ->
          type instanceof ArrayType array
              && (array.elementType() instanceof StringType
                  || array.elementType() instanceof NullType);
    };
  }
}

package io.sparkllama4.rows;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.error.Llama4Exception;
import io.sparkllama4.runtime.PromptEncoder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.util.ArrayData;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.unsafe.types.UTF8String;

/// Reads a conversation from a column of type `ARRAY<STRUCT<role STRING, content STRING>>`.
public final class MessageColumns {
  private MessageColumns() {}

  /// True of the type of such a column; the fields may stand in any order.
  public static boolean isConversation(DataType type) {
    return type instanceof ArrayType array
        && array.elementType() instanceof StructType struct
        && struct.fields().length == 2
        && isText(struct, "role")
        && isText(struct, "content");
  }

  private static boolean isText(StructType struct, String field) {
    return struct.getFieldIndex(field).isDefined()
        && struct.apply(field).dataType() instanceof StringType;
  }

  /// The messages of a row.
  ///
  /// @throws Llama4Exception with INVALID_OPTION or INVALID_UTF8
  static List<Map<String, Object>> read(ArrayData data, DataType type) {
    StructType struct = (StructType) ((ArrayType) type).elementType();
    int role = struct.fieldIndex("role");
    int content = struct.fieldIndex("content");
    List<Map<String, Object>> messages = new ArrayList<>();
    for (int i = 0; i < data.numElements(); i++) {
      if (data.isNullAt(i)) {
        throw incomplete(i, "message");
      }
      InternalRow message = data.getStruct(i, 2);
      messages.add(
          Map.of(
              "role",
              text(message, role, i, "role"),
              "content",
              text(message, content, i, "content")));
    }
    return messages;
  }

  private static String text(InternalRow message, int field, int index, String name) {
    if (message.isNullAt(field)) {
      throw incomplete(index, name);
    }
    UTF8String text = message.getUTF8String(field);
    if (!text.isValid()) {
      throw PromptEncoder.invalidUtf8();
    }
    return text.toString();
  }

  private static Llama4Exception incomplete(int index, String part) {
    return ErrorReport.of(
            ErrorCode.INVALID_OPTION, "Message [" + index + "] of the prompt has a NULL " + part)
        .found("NULL", "a role and a content for every message")
        .key("messages")
        .exception();
  }
}

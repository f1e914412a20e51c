package io.sparkllama4.rows;

import io.sparkllama4.engine.PromptBatch;
import io.sparkllama4.engine.RowError;
import io.sparkllama4.runtime.PromptEncoder;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.unsafe.types.UTF8String;
import org.jspecify.annotations.Nullable;

/// Turns the arguments of one call, row by row, into what an engine is asked, or into what is known
/// without one. Whatever is wrong with a row becomes that row's outcome here.
interface RowEncoder {
  /// What becomes of a row.
  sealed interface Encoded {}

  /// An engine is asked.
  ///
  /// @param ids the prompt
  /// @param task what is wanted
  /// @param timeoutNanos how long it may take; 0 for any time
  /// @param context what its value needs besides the engine's answer
  @SuppressWarnings("ArrayRecordComponent") // Handed on; nobody compares it.
  record Request(int[] ids, PromptBatch.Task task, long timeoutNanos, ResultValues.Context context)
      implements Encoded {}

  /// The row has failed.
  ///
  /// @param error why
  /// @param tokens of its prompt, as far as they are known
  /// @param context as above
  record Refused(RowError error, int tokens, ResultValues.Context context) implements Encoded {}

  /// The value needs no engine.
  record Known(@Nullable Object value) implements Encoded {}

  /// What becomes of a row with these arguments.
  Encoded encode(InternalRow arguments);

  /// True where a parameter's argument is NULL, so that the result is, too.
  static boolean hasNull(CallPlan plan, InternalRow arguments) {
    for (int i = 0; i < plan.types().size(); i++) {
      if (arguments.isNullAt(i)) {
        return true;
      }
    }
    return false;
  }

  /// A text among the arguments.
  ///
  /// @throws io.sparkllama4.error.Llama4Exception with INVALID_UTF8
  static String text(InternalRow arguments, int i) {
    UTF8String text = arguments.getUTF8String(i);
    if (!text.isValid()) {
      throw PromptEncoder.invalidUtf8();
    }
    return text.toString();
  }
}

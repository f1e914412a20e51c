package io.sparkllama4.rows;

import io.sparkllama4.engine.RowError;
import io.sparkllama4.error.Llama4Exception;
import io.sparkllama4.text.Tokenizer;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.util.GenericArrayData;

/// Rows of the functions that need the tokenizer alone.
///
/// @param plan the call
/// @param tokenizer the model's
record TokenRows(CallPlan plan, Tokenizer tokenizer) implements RowEncoder {
  @Override
  public Encoded encode(InternalRow arguments) {
    if (RowEncoder.hasNull(plan, arguments)) {
      return new Known(null);
    }
    try {
      RowOptions.read(plan, arguments);
      int[] ids = tokenizer.encode(RowEncoder.text(arguments, 0));
      return plan.kind() == CallKind.COUNT_TOKENS
          ? new Known(ids.length)
          : new Known(new GenericArrayData(ids));
    } catch (Llama4Exception e) {
      return new Refused(
          new RowError(e.code(), e.report().describe()), 0, ResultValues.Context.NONE);
    }
  }
}

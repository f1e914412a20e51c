package io.sparkllama4.udfs;

import io.sparkllama4.rows.CallKind;
import java.util.List;

/// The functions that need the tokenizer and no model: `llama4_tokens`, `llama4_count_tokens`.
final class TokenFunctions {
  private static final String ARGUMENTS =
      """
      * text - a STRING, encoded alone: nothing is added, and special strings in it are text. NULL
        gives NULL.
      * model - alias of the model whose tokenizer it is, a literal ('default')
      """;

  /// All of them.
  static final List<FunctionDescription> ALL =
      List.of(
          new FunctionDescription(
              CallKind.TOKENS,
              "_FUNC_(text [, model]) - Gives the token ids of text. No model is loaded or called.",
              ARGUMENTS,
              """
              > SELECT _FUNC_('Where is my parcel?');
               [4002,310,402,1135,30]
              """),
          new FunctionDescription(
              CallKind.COUNT_TOKENS,
              "_FUNC_(text [, model]) - Gives the number of tokens of text. No model is loaded or"
                  + " called.",
              ARGUMENTS,
              """
              > SELECT _FUNC_('Where is my parcel?');
               5
              > SELECT _FUNC_('', model => 'default');
               0
              """));

  private TokenFunctions() {}
}

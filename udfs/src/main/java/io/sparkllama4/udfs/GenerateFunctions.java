package io.sparkllama4.udfs;

import io.sparkllama4.rows.CallKind;
import java.util.List;

/// The functions that continue prompts: `llama4_generate`, `try_llama4_generate`,
/// `llama4_complete`, `llama4_chat`.
final class GenerateFunctions {
  private static final String PROMPT =
      """
      * prompt - a STRING; it is wrapped as one user message where the checkpoint has a chat
        template, unless raw => true. NULL gives NULL.
      """;

  private static final String MESSAGES =
      """
      * messages - an ARRAY<STRUCT<role: STRING, content: STRING>>, the conversation so far, which
        the checkpoint's chat template renders. NULL gives NULL.
      """;

  private static final String OPTIONS =
      """
      * options - a MAP<STRING, ...>, or each by name, in any order, literal or column; NULL counts
        as not given:
        model - alias of the model, a literal ('default')
        max_tokens - most tokens of the output (256)
        temperature - 0 takes the most probable token (0)
        top_p, top_k, min_p - what is kept to draw from (1, 0, 0)
        seed - decides the draw (derived from spark.llama4.seed and the prompt)
        stop, stop_id - texts and token ids that end the output, one or an array
        ignore_eos - whether the model's own stop ids end nothing (false)
        presence_penalty, frequency_penalty, repetition_penalty - (0, 0, 1)
        raw - whether the prompt is encoded as it stands, without a chat template (false)
        timeout - seconds that a row may take from its submission (any)
        on_long_prompt - 'fail', 'null', or 'truncate_head', 'truncate_tail', 'truncate_middle',
          which drop tokens of that part of the text until max_tokens fit behind it ('fail')
      """;

  /// All of them.
  static final List<FunctionDescription> ALL =
      List.of(
          new FunctionDescription(
              CallKind.GENERATE,
              "_FUNC_(prompt [, options]) - Continues prompt with a model; a row that cannot be"
                  + " answered fails the query.",
              PROMPT + OPTIONS,
              """
              > SELECT _FUNC_(_TICKET_);
               shipping
              > SELECT _FUNC_(_TICKET_, map('max_tokens', '1', 'stop', 'ing'));
               shipp
              """),
          new FunctionDescription(
              CallKind.TRY_GENERATE,
              "_FUNC_(prompt [, options]) - Continues prompt with a model; NULL for a row that cannot"
                  + " be answered.",
              PROMPT + OPTIONS,
              """
              > SELECT _FUNC_(_TICKET_);
               shipping
              > SELECT _FUNC_('', raw => true);
               NULL
              """),
          new FunctionDescription(
              CallKind.COMPLETE,
              "_FUNC_(prompt [, options]) - Continues prompt, a text or an array of messages with role"
                  + " and content, and tells everything: text, finish_reason, usage, model, seed, error."
                  + " It never fails for a row.",
              PROMPT + MESSAGES + OPTIONS,
              """
              > SELECT _FUNC_(_TICKET_).finish_reason;
               stop
              > SELECT _FUNC_('', raw => true).error.code;
               EMPTY_PROMPT
              """),
          new FunctionDescription(
              CallKind.CHAT,
              "_FUNC_(messages [, options]) - Gives the next message of a conversation; a row that"
                  + " cannot be answered fails the query.",
              MESSAGES + OPTIONS,
              """
              > SELECT _FUNC_(array(named_struct('role', 'user', 'content', _TICKET_)));
               shipping
              """));

  private GenerateFunctions() {}
}

package io.sparkllama4.udfs;

import io.sparkllama4.rows.CallKind;
import java.util.List;

/// The functions that ask how probable a given text is: `llama4_score`.
final class ScoreFunctions {
  /// All of them.
  static final List<FunctionDescription> ALL =
      List.of(
          new FunctionDescription(
              CallKind.SCORE,
              "_FUNC_(prompt, continuation [, options]) - Gives the log-probability of continuation"
                  + " behind prompt, in total and for each of its tokens: a STRUCT of logprob, tokens"
                  + " and per_token. A row that cannot be scored fails the query.",
              """
              * prompt - a STRING; it is wrapped as one user message where the checkpoint has a chat
                template, unless raw => true. NULL gives NULL.
              * continuation - a STRING, not empty, encoded alone: special strings in it are text.
                NULL gives NULL.
              * options - a MAP<STRING, ...>, or each by name, literal or column; NULL counts as not
                given:
                model - alias of the model, a literal ('default')
                raw - whether the prompt is encoded as it stands, without a chat template (false)
                timeout - seconds that a row may take from its submission (any)
              """,
              """
              > SELECT _FUNC_('One, two, three', ', four').tokens > 0;
               true
              """));

  private ScoreFunctions() {}
}

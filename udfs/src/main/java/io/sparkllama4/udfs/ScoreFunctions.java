package io.sparkllama4.udfs;

import io.sparkllama4.rows.CallKind;
import java.util.List;

/// The functions that ask how probable given texts are: `llama4_classify`, `llama4_score`.
final class ScoreFunctions {
  /// All of them.
  static final List<FunctionDescription> ALL =
      List.of(
          new FunctionDescription(
              CallKind.CLASSIFY,
              "_FUNC_(text, labels [, options]) - Gives the label that is the most probable answer: the"
                  + " one whose tokens have the highest total log-probability, the first on a tie. A row"
                  + " that cannot be answered fails the query.",
              """
              * text - a STRING. The prompt is one user message where the checkpoint has a chat template,
                else a raw text: the instruction, an empty line, "Labels:", a line "- label" or
                "- label: description" for each, an empty line, "Text:", and the text on a new line.
                NULL gives NULL.
              * labels - an ARRAY<STRING> of 2 to 500 different labels, each encoded alone. NULL gives
                NULL.
              * options - a MAP<STRING, ...>, or each by name, literal or column; NULL counts as not
                given:
                model - alias of the model, a literal ('default')
                instruction - the first line of the prompt ('Classify the text with one of the labels
                  below. Answer with the label only.')
                descriptions - a MAP<STRING, STRING> of what labels mean (none)
                normalization - 'total', or 'per_token' for the mean over a label's tokens ('total')
                raw - whether the prompt is the text exactly as it stands (false)
                timeout - seconds that a row may take from its submission (any)
                on_long_prompt - 'fail', 'null', or 'truncate_head', 'truncate_tail',
                  'truncate_middle', which drop tokens of that part of the text until the prompt and
                  the longest label fit ('fail')
              """,
              """
              > SELECT _FUNC_('Where is my parcel?', array('billing', 'shipping', 'sales'));
               shipping
              """),
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
              > SELECT _FUNC_(_TICKET_, 'shipping').tokens;
               1
              > SELECT round(exp(_FUNC_(_TICKET_, 'shipping').logprob), 2);
               0.98
              """));

  private ScoreFunctions() {}
}

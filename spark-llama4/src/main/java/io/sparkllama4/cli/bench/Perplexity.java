package io.sparkllama4.cli.bench;

import io.sparkllama4.engine.Completion;
import io.sparkllama4.engine.PromptBatch;
import io.sparkllama4.engine.TokenLogprob;
import io.sparkllama4.runtime.ModelHandle;
import io.sparkllama4.runtime.Prompt;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/// How well a model foretells texts: `exp(-mean log p(token | all before it))`.
///
/// @param rows conversations
/// @param text of all tokens but the first of each conversation
/// @param answers of the answers' tokens alone, the end of the turn included
public record Perplexity(int rows, Part text, Part answers) {
  private static final String END_OF_TURN = "<|eot|>";

  /// A conversation of two messages.
  ///
  /// @param question what the user says
  /// @param answer what the model should
  public record Dialogue(String question, String answer) {}

  /// Tokens that are foretold.
  ///
  /// @param tokens how many
  /// @param logprob the sum of their log-probabilities
  public record Part(long tokens, double logprob) {
    /// The perplexity of these tokens.
    public double perplexity() {
      return Math.exp(-logprob / tokens);
    }

    private Part plus(List<TokenLogprob> more) {
      return new Part(
          tokens + more.size(), logprob + more.stream().mapToDouble(TokenLogprob::logprob).sum());
    }
  }

  /// That of `model` on `dialogues`.
  public static Perplexity of(ModelHandle model, List<Dialogue> dialogues)
      throws InterruptedException {
    List<int[]> texts = new ArrayList<>();
    List<Integer> answersFrom = new ArrayList<>();
    OptionalInt end = model.tokenizer().id(END_OF_TURN);
    for (Dialogue dialogue : dialogues) {
      int[] question = model.encoder().encode(new Prompt.Text(dialogue.question()), false);
      int[] answer = model.encoder().alone(dialogue.answer());
      int[] text = SharedPrefixCase.concatenate(question, answer);
      texts.add(
          end.isPresent() ? SharedPrefixCase.concatenate(text, new int[] {end.getAsInt()}) : text);
      answersFrom.add(question.length);
    }
    Rows rows = new Rows(texts, new PromptBatch.Score(1, 0));
    List<Completion> scored = rows.answers(model.engine());
    Part text = new Part(0, 0);
    Part answers = new Part(0, 0);
    for (int row = 0; row < scored.size(); row++) {
      List<TokenLogprob> tokens = scored.get(row).logprobs();
      text = text.plus(tokens);
      answers = answers.plus(tokens.subList(answersFrom.get(row) - 1, tokens.size()));
    }
    return new Perplexity(scored.size(), text, answers);
  }
}

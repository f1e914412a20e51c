package io.sparkllama4.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.sparkllama4.cli.CommandRun;
import io.sparkllama4.cli.bench.Perplexity;
import io.sparkllama4.examples.tickets.Ticket;
import io.sparkllama4.runtime.ModelHandle;
import io.sparkllama4.runtime.Prompt;
import io.sparkllama4.runtime.RuntimeOptions;
import io.sparkllama4.tensor.NativeArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What a form of the weights costs in accuracy: the perplexity of the bundled model on its
/// held-out tickets with their questions and right answers.
class PerplexityTest {
  private static final Path MODEL = Root.file("examples/models/tickets");
  private static final Pattern QUESTION =
      Pattern.compile("concat\\('([^']+)\\\\n\\\\n', text\\),\\s+max_tokens => 64\\) AS (\\w+)");

  @AfterEach
  void nothingIsLeft() {
    assertThat(NativeArena.openBytes()).isZero();
  }

  private static List<Perplexity.Dialogue> dialogues(int tickets) throws IOException {
    String query = Files.readString(Root.file("examples/sql/tickets.sql"));
    List<Perplexity.Dialogue> dialogues = new ArrayList<>();
    for (Ticket ticket : HeldOutTicketsTest.heldOut().subList(0, tickets)) {
      Matcher question = QUESTION.matcher(query);
      int before = dialogues.size();
      while (question.find()) {
        dialogues.add(
            new Perplexity.Dialogue(
                question.group(1) + "\n\n" + ticket.text(), answer(ticket, question.group(2))));
      }
      assertThat(dialogues).hasSize(before + 3);
    }
    return dialogues;
  }

  private static String answer(Ticket ticket, String question) {
    return switch (question) {
      case "queue" -> ticket.queue().label();
      case "fields" -> ticket.fields().json();
      case "summary" -> ticket.summary();
      default -> throw new AssertionError(question);
    };
  }

  private static Perplexity measure(String weights, List<Perplexity.Dialogue> dialogues)
      throws InterruptedException {
    RuntimeOptions options = RuntimeOptions.defaults().withWeights(weights);
    try (ModelHandle model = ModelHandle.open(MODEL, options)) {
      return Perplexity.of(model, dialogues);
    }
  }

  @Test
  void isThatOfTheTokensOfTheConversation() throws IOException, InterruptedException {
    List<Perplexity.Dialogue> one = dialogues(1).subList(0, 1);
    Perplexity measured = measure("stored", one);
    String ids;
    int question;
    int answer;
    try (ModelHandle model = ModelHandle.open(MODEL, RuntimeOptions.defaults())) {
      int[] asked = model.encoder().encode(new Prompt.Text(one.getFirst().question()), false);
      int[] right = model.encoder().alone(one.getFirst().answer());
      IntStream end = IntStream.of(model.tokenizer().id("<|eot|>").getAsInt());
      question = asked.length;
      answer = right.length + 1;
      ids =
          IntStream.concat(IntStream.concat(IntStream.of(asked), IntStream.of(right)), end)
              .mapToObj(String::valueOf)
              .collect(Collectors.joining(","));
    }
    JsonNode scored =
        CommandRun.of("score", "--json", "--model", MODEL.toString(), "--ids", ids).document();
    double answerLogprob = 0;
    for (int i = question; i < question + answer; i++) {
      answerLogprob += scored.get("positions").get(i).get("logprob").doubleValue();
    }

    assertThat(measured.rows()).isEqualTo(1);
    assertThat(measured.text().tokens()).isEqualTo(question + answer - 1);
    assertThat(measured.answers().tokens()).isEqualTo(answer);
    assertThat(measured.text().logprob())
        .isCloseTo(scored.get("total_logprob").doubleValue(), within(1e-4));
    assertThat(measured.answers().logprob()).isCloseTo(answerLogprob, within(1e-4));
    assertThat(measured.answers().perplexity())
        .isCloseTo(Math.exp(-answerLogprob / answer), within(1e-4));
  }

  @Test
  void rightAnswersAreForetoldAndOthersAreNot() throws IOException, InterruptedException {
    List<Perplexity.Dialogue> right = dialogues(8);
    List<Perplexity.Dialogue> wrong = new ArrayList<>();
    for (int i = 0; i < right.size(); i++) {
      String other = right.get((i + 1) % right.size()).answer();
      wrong.add(new Perplexity.Dialogue(right.get(i).question(), other));
    }

    assertThat(measure("stored", right).answers().perplexity()).isBetween(1.0, 1.5);
    assertThat(measure("stored", wrong).answers().perplexity()).isGreaterThan(5);
  }

  @Tag("full")
  @ParameterizedTest
  @CsvSource({"int8,0.01", "int4,0.03"})
  void quantisedWeightsMoveItLittle(String weights, double most)
      throws IOException, InterruptedException {
    List<Perplexity.Dialogue> all = dialogues(240);
    Perplexity stored = measure("stored", all);
    Perplexity quantised = measure(weights, all);

    assertThat(quantised.text().perplexity() / stored.text().perplexity() - 1)
        .as("%s against %s", quantised, stored)
        .isLessThan(most)
        .isNotZero();
    assertThat(quantised.answers().perplexity() / stored.answers().perplexity() - 1)
        .as("%s against %s", quantised, stored)
        .isLessThan(most);
  }
}

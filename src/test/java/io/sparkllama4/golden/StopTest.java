package io.sparkllama4.golden;

import static org.assertj.core.api.Assertions.assertThat;

import io.sparkllama4.engine.Completion;
import io.sparkllama4.engine.EngineOptions;
import io.sparkllama4.engine.SamplingParams;
import io.sparkllama4.error.ErrorCode;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/// How outputs end. The text of token 12 is `<12>`.
class StopTest {
  private static final List<Integer> PROMPT = List.of(1, 2, 3);

  private static TestModel model =
      new TestModel(Oracle.named("scout"), "auto", 2, EngineOptions.DEFAULT);

  @AfterAll
  static void close() {
    model.close();
  }

  private static SamplingParams greedy(
      int tokens, List<String> stops, List<Integer> ids, boolean ignoresEos) {
    return new SamplingParams(tokens, 0, 1, 0, 0, 0, 0, 1, 0, stops, ids, ignoresEos, -1);
  }

  private static Completion answer(SamplingParams params) {
    return model.answer(new Rows().generate(PROMPT, params)).getFirst();
  }

  private static int[] unstopped() {
    return answer(greedy(12, List.of(), List.of(), true)).ids();
  }

  @Test
  void maxTokensEndsWithLength() {
    Completion answer = answer(greedy(5, List.of(), List.of(), true));
    assertThat(answer.ids()).hasSize(5);
    assertThat(answer.end()).isEqualTo(new Completion.Length());
    assertThat(answer.usage().completionTokens()).isEqualTo(5);
    assertThat(answer.usage().promptTokens()).isEqualTo(3);
  }

  @Test
  void aStopIdEndsAndStaysInTheIdsButNotInTheText() {
    int[] ids = unstopped();
    Completion answer = answer(greedy(12, List.of(), List.of(ids[4]), true));
    int at = first(ids, ids[4]);
    assertThat(answer.ids()).isEqualTo(Arrays.copyOf(ids, at + 1));
    assertThat(answer.end()).isEqualTo(new Completion.StopId(ids[4]));
    assertThat(answer.text()).doesNotContain("<" + ids[4] + ">");
  }

  @Test
  void theModelsOwnStopIdsEndUnlessIgnored() {
    // Found by trying: a greedy output that passes one of the ids 494, 500, 501.
    for (int token = 0; token < 490; token++) {
      List<Integer> prompt = List.of(token);
      Completion free =
          model
              .answer(new Rows().generate(prompt, greedy(24, List.of(), List.of(), true)))
              .getFirst();
      int at = -1;
      for (int i = 0; i < free.ids().length && at < 0; i++) {
        at = List.of(494, 500, 501).contains(free.ids()[i]) ? i : -1;
      }
      if (at >= 0 && at < free.ids().length - 1) {
        Completion stopped =
            model
                .answer(new Rows().generate(prompt, greedy(24, List.of(), List.of(), false)))
                .getFirst();
        assertThat(stopped.ids()).isEqualTo(Arrays.copyOf(free.ids(), at + 1));
        assertThat(stopped.end()).isEqualTo(new Completion.StopId(free.ids()[at]));
        return;
      }
    }
    throw new AssertionError("No prompt leads to a stop id");
  }

  @Test
  void aStopTextEndsAcrossTokensAndIsCutOff() {
    int[] ids = unstopped();
    String stop = ids[2] + "><" + ids[3];
    Completion answer = answer(greedy(12, List.of("never", stop), List.of(), true));
    assertThat(answer.end()).isEqualTo(new Completion.StopText(stop));
    assertThat(answer.text()).isEqualTo("<" + ids[0] + "><" + ids[1] + "><");
    assertThat(answer.ids()).isEqualTo(Arrays.copyOf(ids, 4));
  }

  @Test
  void outputsEndWhereTheModelsPositionsEnd() {
    List<Integer> prompt = Collections.nCopies(4090, 5);
    Completion answer =
        model
            .answer(new Rows().generate(prompt, greedy(100, List.of(), List.of(), true)))
            .getFirst();
    assertThat(answer.ids()).hasSize(6);
    assertThat(answer.end()).isEqualTo(new Completion.Length());
  }

  @Test
  void promptsThatAreTooLongOrUnknownFailAlone() {
    List<Completion> answers =
        model.answer(
            new Rows()
                .generate(Collections.nCopies(4096, 5), greedy(2, List.of(), List.of(), true))
                .generate(List.of(1, 512), greedy(2, List.of(), List.of(), true))
                .generate(List.of(-1), greedy(2, List.of(), List.of(), true))
                .generate(Collections.nCopies(4095, 5), greedy(2, List.of(), List.of(), true)));
    assertThat(answers.get(0).error().orElseThrow().code()).isEqualTo(ErrorCode.PROMPT_TOO_LONG);
    assertThat(answers.get(0).error().orElseThrow().message()).contains("4096", "4095");
    assertThat(answers.get(1).error().orElseThrow().code()).isEqualTo(ErrorCode.INVALID_OPTION);
    assertThat(answers.get(2).error().orElseThrow().code()).isEqualTo(ErrorCode.INVALID_OPTION);
    assertThat(answers.get(3).error()).isEmpty();
    assertThat(answers.get(3).ids()).hasSize(1);
  }

  private static int first(int[] ids, int id) {
    int at = 0;
    while (ids[at] != id) {
      at++;
    }
    return at;
  }
}

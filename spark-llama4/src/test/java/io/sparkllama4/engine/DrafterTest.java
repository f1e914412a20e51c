package io.sparkllama4.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/// What is guessed from what was said.
class DrafterTest {
  private static List<Integer> drafts(Drafter drafter, int most) {
    IntList drafts = new IntList(8);
    drafter.draft(most, new RecentOutputs(), drafts);
    return IntStream.range(0, drafts.size()).mapToObj(drafts::get).toList();
  }

  private static List<Integer> drafts(int... tokens) {
    return drafts(new Drafter(IntList.of(tokens)), 8);
  }

  @Test
  void aCopyGoesOnAsItsOriginal() {
    assertThat(drafts(5, 1, 2, 3, 4, 6, 7, 8, 9, 1, 2)).containsExactly(3, 4, 6, 7);
    assertThat(drafts(new Drafter(IntList.of(new int[] {1, 2, 3, 4, 9, 1, 2})), 2))
        .containsExactly(3, 4);
  }

  @Test
  void nothingIsGuessedFromNothing() {
    assertThat(drafts(1)).isEmpty();
    assertThat(drafts(1, 2, 3, 4)).isEmpty();
    assertThat(drafts(1, 2, 3, 2)).as("one token stood before, no two").isEmpty();
    assertThat(drafts(new Drafter(IntList.of(new int[] {1, 2, 3, 1, 2})), 0)).isEmpty();
  }

  @Test
  void thePlaceWithTheLongestContextCountsThenTheLatest() {
    assertThat(drafts(7, 1, 2, 30, 8, 1, 2, 40, 7, 1, 2)).startsWith(30);
    assertThat(drafts(7, 1, 2, 30, 8, 1, 2, 40, 9, 1, 2)).startsWith(40);
  }

  @Test
  void aRepetitionGoesOn() {
    assertThat(drafts(1, 2, 1, 2)).containsExactly(1, 2, 1, 2);
    assertThat(drafts(9, 5, 5, 5)).containsExactly(5, 5, 5, 5);
  }

  @Test
  void takesInWhatIsAdded() {
    IntList tokens = new IntList(4);
    Drafter drafter = new Drafter(tokens);
    Random random = new Random(1);
    for (int i = 0; i < 3000; i++) {
      tokens.add(random.nextInt(40));
      List<Integer> drafts = drafts(drafter, 3);
      assertThat(drafts).isEqualTo(drafts(new Drafter(IntList.of(tokens.copy(0, i + 1))), 3));
    }
  }

  @Test
  void whoGuessesRightGuessesMoreAndWhoGuessesWrongPauses() {
    int[] period = IntStream.range(0, 60).map(i -> i % 20).toArray();
    IntList tokens = IntList.of(period);
    Drafter drafter = new Drafter(tokens);
    assertThat(drafts(drafter, 20)).hasSize(4);
    drafter.learn(4, 4);
    assertThat(drafts(drafter, 20)).hasSize(Drafter.MOST_TOKENS);
    drafter.learn(8, 3);
    assertThat(drafts(drafter, 20)).hasSize(4);
    for (int size : new int[] {4, 2, 1}) {
      assertThat(drafts(drafter, 20)).hasSize(size);
      drafter.learn(size, 0);
    }
    int pause = 0;
    while (drafts(drafter, 20).isEmpty()) {
      tokens.add(pause++ % 20);
    }
    assertThat(pause).isEqualTo(16);
    assertThat(drafts(drafter, 20)).hasSize(1);
    drafter.learn(1, 1);
    assertThat(drafts(drafter, 20)).hasSize(2);
  }

  private static Sequence row(int[] prompt, int... output) {
    Sequence sequence = Specs.row("q", prompt);
    for (int token : output) {
      sequence.tokens().add(token);
    }
    return sequence;
  }

  private static List<Integer> drafts(RecentOutputs recent, int... tokens) {
    IntList drafts = new IntList(8);
    new Drafter(IntList.of(tokens)).draft(8, recent, drafts);
    return IntStream.range(0, drafts.size()).mapToObj(drafts::get).toList();
  }

  @Test
  void whatOthersSaidIsSaidAgain() {
    RecentOutputs recent = new RecentOutputs();
    recent.add(row(new int[] {1, 2, 3, 4, 5}, 10, 11, 12));
    assertThat(drafts(recent, 9, 9, 4, 5, 10)).containsExactly(11, 12);
    assertThat(drafts(recent, 1, 2)).as("only the end of a prompt is kept").isEmpty();
    assertThat(drafts(recent, 11, 12)).as("nothing stands behind it").isEmpty();
    recent.add(row(new int[] {6, 7}, 10, 11, 30));
    assertThat(drafts(recent, 10, 11)).as("the latest").containsExactly(30);
    assertThat(drafts(recent, 5, 10, 11)).as("the longest").containsExactly(12);
    assertThat(drafts(recent, 10, 11, 99, 10, 11)).as("its own").startsWith(99);
  }

  @Test
  void onlyWhatWasSaidLatelyIsKept() {
    RecentOutputs recent = new RecentOutputs();
    for (int row = 0; row < 1000; row++) {
      recent.add(row(new int[] {1}, IntStream.range(row * 100, row * 100 + 100).toArray()));
    }
    assertThat(drafts(recent, 99_950, 99_951)).startsWith(99_952);
    assertThat(drafts(recent, 70_050, 70_051)).as("32,768 tokens at least").startsWith(70_052);
    assertThat(drafts(recent, 20_050, 20_051)).isEmpty();
  }
}

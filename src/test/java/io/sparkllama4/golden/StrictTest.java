package io.sparkllama4.golden;

import static org.assertj.core.api.Assertions.assertThat;

import io.sparkllama4.backend.BackendOptions;
import io.sparkllama4.engine.Completion;
import io.sparkllama4.engine.EngineOptions;
import io.sparkllama4.engine.EngineStats;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// The answer to a row is the same to the last bit whatever shares the step, however it is
/// computed.
class StrictTest {

  /// Rows of many lengths, greedy and seeded, in the order that `order` names; answers in the rows'
  /// own order.
  private static List<String> answers(
      Oracle oracle, BackendOptions how, EngineOptions options, List<Integer> order) {
    try (TestModel model = new TestModel(oracle, how, options)) {
      List<String> inOrder = new ArrayList<>(Collections.nCopies(order.size(), ""));
      Rows rows = rows(order);
      List<Completion> completions = model.answer(rows);
      for (int i = 0; i < order.size(); i++) {
        inOrder.set(order.get(i), Bits.of(completions.get(i)));
      }
      last = model.stats();
      return inOrder;
    }
  }

  private static EngineStats last = EngineStats.NONE;

  private static final int ROWS = 12;

  private static Rows rows(List<Integer> order) {
    Rows rows = new Rows();
    for (int row : order) {
      Random random = new Random(row);
      List<Integer> ids = new ArrayList<>();
      for (int i = 0; i < 1 + (row * 5) % 37; i++) {
        ids.add(random.nextInt(256));
      }
      if (row % 4 == 3) {
        rows.score(ids, 4);
      } else {
        int tokens = 6 + row;
        rows.generate(ids, row % 2 == 0 ? Rows.greedy(tokens) : Rows.seeded(tokens, row));
      }
    }
    return rows;
  }

  private static List<Integer> inOrder() {
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < ROWS; i++) {
      order.add(i);
    }
    return order;
  }

  @ParameterizedTest
  @CsvSource({
    "scout,vector,1",
    "chunked,vector,1",
    "w4a16,vector,1",
    "top2-gqa5,vector,1",
    "fp8,vector,1",
    "new-config,vector,1",
    "maverick,vector,1",
    "chunked,scalar,1",
    "dense,vector,1",
    "chunked,vector,2",
    "top2-gqa5,vector,4"
  })
  void noBitDependsOnBatchmatesOrderChunksThreadsOrMemory(String name, String kernels, int ranks) {
    BackendOptions one = new BackendOptions(kernels, 1, true, ranks);
    BackendOptions two = new BackendOptions(kernels, 2 * ranks, true, ranks);
    Oracle oracle = Oracle.named(name);
    List<String> expected = answers(oracle, one, new EngineOptions(1, 0, 0), inOrder());
    List<Integer> shuffled = inOrder();
    Collections.shuffle(shuffled, new Random(5));
    List<Integer> reversed = inOrder().reversed();

    assertThat(answers(oracle, two, new EngineOptions(256, 512, 0), inOrder()))
        .as("two threads, one batch")
        .isEqualTo(expected);
    assertThat(last.maxRowsPerStep()).isEqualTo(ROWS);
    assertThat(answers(oracle, two, new EngineOptions(5, 7, 0), shuffled))
        .as("shuffled, chunks of 7")
        .isEqualTo(expected);
    assertThat(last.maxRowsPerStep()).isGreaterThan(1);
    assertThat(answers(oracle, one, new EngineOptions(3, 1, 0), reversed))
        .as("reversed, chunks of 1")
        .isEqualTo(expected);
    assertThat(answers(oracle, two, new EngineOptions(64, 5, 96), inOrder()))
        .as("little memory")
        .isEqualTo(expected);
    assertThat(last.preemptions()).isPositive();
    assertThat(last.maxRowsPerStep()).isGreaterThan(1);
  }

  @Test
  void closedChunksGiveTheirMemoryBack() {
    Oracle oracle = Oracle.named("chunked");
    List<Integer> ids = new ArrayList<>();
    Random random = new Random(3);
    for (int i = 0; i < 600; i++) {
      ids.add(random.nextInt(400));
    }
    try (TestModel model = new TestModel(oracle, "auto", 2, new EngineOptions(1, 7, 0))) {
      model.answer(new Rows().generate(ids, Rows.greedy(4)));
      // One of five layers keeps all 603 tokens; four keep the open chunk of 8 and the 7 of a step.
      assertThat(model.stats().kvTokensPeak()).isBetween(603L / 5, 603L / 5 + 16);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"scout", "chunked"})
  void aRowThatOutgrowsTheWholeCacheFailsAlone(String name) {
    List<Integer> small = List.of(1, 2, 3);
    List<Integer> large = Collections.nCopies(90, 7);
    try (TestModel model =
        new TestModel(Oracle.named(name), "auto", 2, new EngineOptions(8, 7, 64))) {
      List<Completion> answers =
          model.answer(
              new Rows()
                  .generate(small, Rows.greedy(5))
                  .generate(large, Rows.greedy(5))
                  .generate(small, Rows.greedy(100))
                  .generate(small, Rows.greedy(5)));
      assertThat(answers.get(0).error()).isEmpty();
      assertThat(answers.get(3).error()).isEmpty();
      for (int row : List.of(1, 2)) {
        assertThat(answers.get(row).error())
            .hasValueSatisfying(
                error -> assertThat(error.message()).contains("KV cache", "--kv-tokens"));
      }
    }
  }
}

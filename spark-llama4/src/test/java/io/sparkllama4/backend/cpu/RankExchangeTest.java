package io.sparkllama4.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sparkllama4.backend.Backend;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.NativeArena;
import io.sparkllama4.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Ranks of the processor: what they make together, and what becomes of a step that one cannot
/// finish.
@Timeout(60)
class RankExchangeTest {
  private static Backend open(int ranks, boolean fast) {
    return CpuRanks.open(
        ranks,
        ranks,
        (threads, link) ->
            fast
                ? CpuBackend.vector(threads, "asked for", link)
                : CpuBackend.plain(new ScalarKernels(link), threads));
  }

  private static Tensor random(NativeArena arena, int seed, long... sizes) {
    Random random = new Random(seed);
    Tensor tensor = arena.allocate(DType.F32, sizes);
    for (long i = 0; i < tensor.shape().elements(); i++) {
      tensor.set(i, (float) random.nextGaussian());
    }
    return tensor;
  }

  @ParameterizedTest
  @CsvSource({
    "1,7,5,true",
    "2,1,1,true",
    "2,3,64,false",
    "3,7,5,true",
    "4,1,3,true",
    "4,9,33,false"
  })
  void sumsAreThoseInTheOrderOfRanksOnEveryRank(int ranks, int rows, int width, boolean fast) {
    try (NativeArena arena = new NativeArena();
        Backend backend = open(ranks, fast)) {
      List<Tensor> first = new ArrayList<>();
      List<Tensor> second = new ArrayList<>();
      float[] expected = new float[rows * width];
      for (int rank = 0; rank < ranks; rank++) {
        first.add(random(arena, rank, rows, width));
        second.add(random(arena, 50 + rank, rows, width));
        for (int i = 0; i < expected.length; i++) {
          expected[i] = rank == 0 ? first.getLast().at(i) : expected[i] + first.getLast().at(i);
        }
      }
      float[] before = new float[expected.length];
      for (int i = 0; i < before.length; i++) {
        before[i] = second.getFirst().at(i);
      }
      backend.step(
          rank ->
              backend
                  .ranks()
                  .get(rank)
                  .kernels()
                  .allReduce(List.of(first.get(rank), second.get(rank))));
      for (int i = 0; i < expected.length; i++) {
        for (int rank = 0; rank < ranks; rank++) {
          assertThat(first.get(rank).at(i)).isEqualTo(expected[i]);
          assertThat(second.get(rank).at(i)).isEqualTo(second.getFirst().at(i));
        }
      }
      boolean changed = false;
      for (int i = 0; i < before.length; i++) {
        changed |= before[i] != second.getFirst().at(i);
      }
      assertThat(changed).isEqualTo(ranks > 1);
    }
  }

  @Test
  void columnsOfAllRanksStandSideBySideOnTheFirst() {
    int[] widths = {3, 1, 5};
    try (NativeArena arena = new NativeArena();
        Backend backend = open(3, true)) {
      List<Tensor> parts = new ArrayList<>();
      for (int rank = 0; rank < 3; rank++) {
        parts.add(random(arena, rank, 4, widths[rank]));
      }
      Tensor whole = arena.allocate(DType.F32, 4, 9);
      Tensor none = arena.allocate(DType.F32, 4, 0);
      backend.step(
          rank ->
              backend
                  .ranks()
                  .get(rank)
                  .kernels()
                  .gatherColumns(parts.get(rank), rank == 0 ? whole : none));
      for (int row = 0; row < 4; row++) {
        int column = 0;
        for (int rank = 0; rank < 3; rank++) {
          for (int i = 0; i < widths[rank]; i++) {
            assertThat(whole.at(9L * row + column))
                .isEqualTo(parts.get(rank).at((long) row * widths[rank] + i));
            column++;
          }
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2})
  void aFailureOnOneRankEndsTheStepOnAllAndTheNextOneWorks(int failing) {
    try (NativeArena arena = new NativeArena();
        Backend backend = open(3, true)) {
      List<Tensor> ones = new ArrayList<>();
      for (int rank = 0; rank < 3; rank++) {
        ones.add(arena.allocate(DType.F32, 2, 2));
        ones.getLast().set(0, 1f);
      }
      AtomicInteger running = new AtomicInteger();
      for (int round = 0; round < 20; round++) {
        assertThatThrownBy(
                () ->
                    backend.step(
                        rank -> {
                          running.incrementAndGet();
                          try {
                            if (rank == failing) {
                              throw new ArithmeticException("on rank " + rank);
                            }
                            exchange(backend, rank, ones);
                          } finally {
                            running.decrementAndGet();
                          }
                        }))
            .isInstanceOf(ArithmeticException.class)
            .hasMessage("on rank " + failing);
        assertThat(running).as("nobody computes any more").hasValue(0);
      }
      ones.forEach(tensor -> tensor.set(0, 1f));
      backend.step(rank -> exchange(backend, rank, ones));
      assertThat(ones.get(2).at(0)).isEqualTo(3);
    }
  }

  private static void exchange(Backend backend, int rank, List<Tensor> tensors) {
    backend.ranks().get(rank).kernels().allReduce(List.of(tensors.get(rank)));
  }

  @Test
  void whoInterruptsIsHeardAfterTheStep() {
    try (NativeArena arena = new NativeArena();
        Backend backend = open(2, true)) {
      List<Tensor> ones = List.of(random(arena, 1, 2, 2), random(arena, 2, 2, 2));
      float sum = ones.get(0).at(0) + ones.get(1).at(0);
      Thread.currentThread().interrupt();
      backend.step(rank -> exchange(backend, rank, ones));
      assertThat(Thread.interrupted()).isTrue();
      assertThat(ones.get(1).at(0)).isEqualTo(sum);
    }
  }

  @Test
  void threadsAreShared() {
    try (Backend backend =
        CpuRanks.open(
            3, 7, (threads, link) -> CpuBackend.plain(new ScalarKernels(link), threads))) {
      assertThat(backend.threads()).isEqualTo(7);
      assertThat(backend.ranks()).extracting(Backend::threads).endsWith(2, 3);
    }
    try (Backend backend = open(3, false)) {
      assertThat(backend.threads()).as("one each at least").isEqualTo(3);
    }
  }
}

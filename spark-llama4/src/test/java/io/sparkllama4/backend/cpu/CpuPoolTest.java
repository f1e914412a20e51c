package io.sparkllama4.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CpuPoolTest {
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 5})
  void doesEveryTaskOnce(int threads) {
    try (CpuPool pool = new CpuPool(threads)) {
      for (int round = 0; round < 200; round++) {
        AtomicIntegerArray done = new AtomicIntegerArray(round);
        pool.run(round, (task, worker) -> done.incrementAndGet(task));
        for (int task = 0; task < round; task++) {
          assertThat(done.get(task)).isEqualTo(1);
        }
      }
    }
  }

  @Test
  void passesAFailureOnAndWorksOn() {
    try (CpuPool pool = new CpuPool(3)) {
      assertThatThrownBy(
              () ->
                  pool.run(
                      50,
                      (task, worker) -> {
                        if (task == 31) {
                          throw new IllegalArgumentException("task 31");
                        }
                      }))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("task 31");
      AtomicIntegerArray done = new AtomicIntegerArray(1);
      pool.run(10, (task, worker) -> done.incrementAndGet(0));
      assertThat(done.get(0)).isEqualTo(10);
    }
  }

  @Test
  void closingEndsItsThreads() throws InterruptedException {
    CpuPool pool = new CpuPool(3);
    pool.run(10, (task, worker) -> Thread.onSpinWait());
    pool.close();
    for (int i = 0; i < 100 && helpers() > 0; i++) {
      Thread.sleep(10);
    }
    assertThat(helpers()).isZero();
  }

  private static long helpers() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith("llama4-cpu-"))
        .count();
  }
}

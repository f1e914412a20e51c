package io.sparkllama4.spark;

import static org.assertj.core.api.Assertions.assertThat;

import io.sparkllama4.tensor.NativeArena;
import org.apache.spark.sql.util.ArrowUtils;

/// What queries and applications must not leave behind.
final class Leftovers {
  private Leftovers() {}

  /// Checks that no task holds Arrow memory; an application may still run.
  static void checkTasks() {
    assertThat(ArrowUtils.rootAllocator().getAllocatedMemory()).as("Arrow bytes").isZero();
    assertThat(ArrowUtils.rootAllocator().getChildAllocators()).as("Arrow allocators").isEmpty();
  }

  /// Checks that nothing of an application that has ended is left.
  static void checkApplication() {
    checkTasks();
    assertThat(NativeArena.openBytes()).as("native bytes").isZero();
    assertThat(Thread.getAllStackTraces().keySet())
        .as("threads")
        .noneMatch(thread -> thread.getName().startsWith("llama4-"));
  }
}

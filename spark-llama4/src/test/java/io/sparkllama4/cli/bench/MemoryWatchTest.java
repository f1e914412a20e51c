package io.sparkllama4.cli.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.NativeArena;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class MemoryWatchTest {
  private static final int BYTES = 256 << 20;

  @Test
  void whatWasTakenAndGivenBackIsRemembered() throws InterruptedException {
    assumeThat(System.getProperty("os.name")).isEqualTo("Linux");
    try (MemoryWatch watch = MemoryWatch.start()) {
      long before = Machine.anonymousBytes().orElseThrow();
      try (NativeArena arena = new NativeArena()) {
        arena.allocate(DType.I8, BYTES).data().fill((byte) 1);
        // The watch looks by itself.
        while (watch.peakAnonymousBytes().orElseThrow() < before + BYTES / 2) {
          Thread.sleep(10);
        }
      }
      long after = Machine.anonymousBytes().orElseThrow();
      ObjectNode node = JsonNodeFactory.instance.objectNode();
      watch.describe(node);

      long peak = node.get("peak_anonymous_bytes").longValue();
      assertThat(after).isLessThan(before + BYTES / 2);
      assertThat(peak).isGreaterThanOrEqualTo(before + BYTES / 2);
      assertThat(node.get("peak_rss_bytes").longValue()).isGreaterThanOrEqualTo(peak);
      assertThat(node.get("heap_bytes").longValue()).isPositive();
    }
  }
}

package io.sparkllama4.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ClosingTest {
  private final List<String> closed = new ArrayList<>();

  private AutoCloseable part(String name) {
    return () -> closed.add(name);
  }

  private AutoCloseable failing(String name, Exception failure) {
    return () -> {
      closed.add(name);
      throw failure;
    };
  }

  @Test
  void lastComesFirst() {
    Closing.of(part("checkpoint"), part("backend"), part("engine")).close();
    assertThat(closed).containsExactly("engine", "backend", "checkpoint");
  }

  @Test
  void partThatFailsKeepsNoneFromBeingClosed() {
    RuntimeException first = new IllegalArgumentException("engine");
    Closing closing =
        Closing.of(
            part("checkpoint"),
            failing("backend", new IOException("backend")),
            failing("engine", first));
    assertThatThrownBy(closing::close).isSameAs(first);
    assertThat(closed).containsExactly("engine", "backend", "checkpoint");
    assertThat(first.getSuppressed()).hasSize(1);
    assertThat(first.getSuppressed()[0]).hasRootCauseMessage("backend");
    closing.close();
    assertThat(closed).hasSize(3);
  }

  @Test
  void whatIsKeptIsNotClosed() {
    try (Closing closing = new Closing()) {
      closing.onFailure(part("backend"));
      assertThat(closing.keep("model")).isEqualTo("model");
    }
    assertThat(closed).isEmpty();
  }
}

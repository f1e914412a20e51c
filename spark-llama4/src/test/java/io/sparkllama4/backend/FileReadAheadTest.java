package io.sparkllama4.backend;

import static org.assertj.core.api.Assertions.assertThat;

import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.Matrix;
import io.sparkllama4.tensor.NativeArena;
import io.sparkllama4.tensor.Shape;
import io.sparkllama4.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The file is one hole, which takes no room on a disk, but pages in memory once it is read.
@Timeout(60)
class FileReadAheadTest {
  private static final long BYTES = 8L << 20;
  private static final int COUNT = 24;

  @TempDir Path directory;

  private final NativeArena arena = new NativeArena();
  private final List<MemorySegment> segments = new ArrayList<>();
  private final List<Linear> stored = new ArrayList<>();

  @BeforeEach
  void mapFile() throws IOException {
    try (FileChannel file =
        FileChannel.open(
            directory.resolve("weights"),
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE)) {
      file.write(ByteBuffer.allocate(1), COUNT * BYTES - 1);
      MemorySegment all = arena.map(file, 0, COUNT * BYTES);
      for (int i = 0; i < COUNT; i++) {
        MemorySegment data = all.asSlice(i * BYTES, BYTES);
        segments.add(data);
        Shape shape = Shape.of(BYTES / 4096, 4096);
        stored.add(Linear.of(Matrix.of(new Tensor(DType.I8, shape, data))));
      }
    }
  }

  @AfterEach
  void close() {
    arena.close();
  }

  private void awaitRead(int matrix) throws InterruptedException {
    while (!segments.get(matrix).isLoaded()) {
      Thread.sleep(5);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void readsInOrderAndNoFurtherThanItsDistance(int readers) throws InterruptedException {
    try (ReadAhead ahead = FileReadAhead.start(stored, readers)) {
      awaitRead(8 * readers - 1);
      // The distance and what the system may read ahead by itself lie before these.
      Thread.sleep(50);
      assertThat(segments.get(8 * readers + 4).isLoaded()).isFalse();
      assertThat(segments.get(0).isLoaded()).isTrue();
      for (MemorySegment segment : segments) {
        ahead.next();
        assertThat(segment.isLoaded()).isTrue();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 4})
  void whoIsInterruptedDoesNotWait(int readers) {
    try (ReadAhead ahead = FileReadAhead.start(stored, readers)) {
      Thread.currentThread().interrupt();
      for (int i = 0; i < COUNT; i++) {
        ahead.next();
      }
      assertThat(Thread.interrupted()).isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 4})
  void endsWhereNobodyAsksForMore(int readers) {
    FileReadAhead.start(stored, readers).close();
    assertThat(Thread.getAllStackTraces().keySet())
        .extracting(Thread::getName)
        .noneMatch(name -> name.startsWith("llama4-read-ahead"));
  }

  @Test
  void hasNothingToDoWhereNothingIsMapped() {
    try (NativeArena memory = new NativeArena()) {
      Linear linear = Linear.of(Matrix.of(memory.allocate(DType.F32, 4, 4)));
      assertThat(FileReadAhead.start(List.of(linear), 1)).isSameAs(ReadAhead.NONE);
    }
  }
}

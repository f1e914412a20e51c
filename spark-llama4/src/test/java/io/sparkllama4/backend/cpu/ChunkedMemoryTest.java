package io.sparkllama4.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.NativeArena;
import io.sparkllama4.tensor.Tensor;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ChunkedMemoryTest {
  /// Smaller than any piece of a chunk, odd ones, more than fit one chunk, one with its own memory.
  private static final List<Integer> SIZES =
      List.of(
          100, 65_536, 70_001, 9 << 20, 15 << 20, 16 << 20, 16 << 20, 15 << 20, 65_537, 20 << 20);

  @Test
  void piecesAreZerosAndLieApart() {
    try (NativeArena arena = new NativeArena(new ChunkedMemory())) {
      List<Tensor> tensors = new ArrayList<>();
      for (int size : SIZES) {
        Tensor tensor = arena.allocate(DType.I8, size);
        assertThat(tensor.data().byteSize()).isEqualTo(size);
        assertThat(tensor.data().address() % 64).isZero();
        for (long at = 0; at < size; at += 97) {
          assertThat(tensor.data().get(ValueLayout.JAVA_BYTE, at)).isZero();
        }
        tensor.data().fill((byte) (tensors.size() + 1));
        tensors.add(tensor);
      }
      for (int i = 0; i < tensors.size(); i++) {
        long size = SIZES.get(i);
        for (long at : new long[] {0, size / 2, size - 1}) {
          assertThat(tensors.get(i).data().get(ValueLayout.JAVA_BYTE, at))
              .isEqualTo((byte) (i + 1));
        }
      }
      assertThat(arena.bytes()).isEqualTo(SIZES.stream().mapToLong(Integer::longValue).sum());
    }
  }
}

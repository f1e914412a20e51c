package io.sparkllama4.weights;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.sparkllama4.backend.Backend;
import io.sparkllama4.backend.BackendOptions;
import io.sparkllama4.backend.Backends;
import io.sparkllama4.backend.Placement;
import io.sparkllama4.backend.WeightForm;
import io.sparkllama4.tensor.Allocator;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Elements;
import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.Matrix;
import io.sparkllama4.tensor.NativeArena;
import io.sparkllama4.tensor.Tensor;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Tensors of more bytes and more elements than an `int` counts, in a file of holes: the table of
/// embeddings and the fused experts of the published models are larger than this.
class SparseFileTest {
  private static final long ROWS = 70_000;
  private static final long COLUMNS = 40_000;
  private static final long EXPERTS = 700_000;
  private static final int WIDTH = 64;

  /// Elements of the table, and the first of the experts.
  private static final long TABLE = ROWS * COLUMNS;

  /// Both have more than 2^31 elements.
  private static final String HEADER =
      "{\"table\":{\"dtype\":\"BF16\",\"shape\":[70000,40000],\"data_offsets\":[0,5600000000]},"
          + "\"experts\":{\"dtype\":\"BF16\",\"shape\":[700000,64,64],"
          + "\"data_offsets\":[5600000000,11334400000]}}";

  @TempDir Path directory;

  private final NativeArena arena = new NativeArena();
  private Path file = Path.of("");

  @BeforeEach
  void makeFile() throws IOException {
    file = directory.resolve(ModelCopy.WEIGHTS);
    Files.write(file, ModelCopy.headerAlone(HEADER));
    try (RandomAccessFile bytes = new RandomAccessFile(file.toFile(), "rw")) {
      bytes.setLength(8 + HEADER.length() + 2 * (TABLE + EXPERTS * WIDTH * WIDTH));
    }
  }

  @AfterEach
  void close() {
    arena.close();
    assertThat(NativeArena.openBytes()).isZero();
  }

  /// Writes element `index`, counted over both tensors.
  private void put(long index, float value) throws IOException {
    short bits = Short.reverseBytes(Elements.toBfloat16(value));
    try (RandomAccessFile bytes = new RandomAccessFile(file.toFile(), "rw")) {
      bytes.seek(8 + HEADER.getBytes(StandardCharsets.UTF_8).length + 2 * index);
      bytes.writeShort(bits);
    }
  }

  private WeightReader reader() {
    return new WeightReader(TensorFiles.open(directory, arena), QuantizationConfig.NONE);
  }

  @Test
  void valuesFarBehindTwoToThe31stElement() throws IOException {
    long last = TABLE - 1;
    put(0, 1);
    put((1L << 31) - 1, 2);
    put(1L << 31, 3);
    put(last, 4);
    put(TABLE, 5);
    put(TABLE + EXPERTS * WIDTH * WIDTH - 1, 6);
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    WeightReader reader = reader();
    Tensor table = reader.plain("table", ROWS, COLUMNS);
    Tensor experts = reader.plain("experts", EXPERTS, WIDTH, WIDTH);
    assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(16L << 20);
    assertThat(table.shape().elements()).isEqualTo(2_800_000_000L);
    assertThat(table.data().byteSize()).isEqualTo(5_600_000_000L);
    assertThat(table.decode(0)).isEqualTo(1);
    assertThat(table.decode((1L << 31) - 1)).isEqualTo(2);
    assertThat(table.decode(1L << 31)).isEqualTo(3);
    assertThat(table.decode(last)).isEqualTo(4);
    assertThat(table.decode(last - 1)).isZero();
    assertThat(Matrix.of(table).weight(ROWS - 1, COLUMNS - 1)).isEqualTo(4);
    assertThat(table.row(ROWS - 1).decode(COLUMNS - 1)).isEqualTo(4);
    assertThat(table.rows(ROWS - 1, 1).decode(COLUMNS - 1)).isEqualTo(4);
    assertThat(experts.decode(0)).isEqualTo(5);
    Tensor lastExpert = experts.row(EXPERTS - 1);
    assertThat(lastExpert.decode(WIDTH * WIDTH - 1)).isEqualTo(6);
    assertThat(reader.bytes()).isEqualTo(11_334_400_000L);
    assertThat(reader.parameters()).isEqualTo(5_667_200_000L);
    assertThat(arena.bytes()).isEqualTo(Files.size(file));
  }

  @ParameterizedTest
  @ValueSource(strings = {"scalar", "vector"})
  void kernelsFindThemToo(String kernels) throws IOException {
    put((ROWS - 1) * COLUMNS + 7, 4);
    // The weight of input 2 in output 5 of the last expert, which is stored inputs first.
    put(TABLE + (EXPERTS - 1) * WIDTH * WIDTH + 2 * WIDTH + 5, 6);
    WeightReader reader = reader();
    Tensor table = reader.plain("table", ROWS, COLUMNS);
    Tensor experts = reader.plain("experts", EXPERTS, WIDTH, WIDTH);
    try (Backend backend = Backends.open("cpu", new BackendOptions(kernels, 1, true));
        Allocator memory = backend.allocator()) {
      Tensor ids = memory.allocate(DType.I32, 2);
      ids.set(0, (int) ROWS - 1);
      Tensor rows = memory.allocate(DType.F32, 2, COLUMNS);
      backend.kernels().embed(ids, table, rows);
      assertThat(rows.at(7)).isEqualTo(4);
      assertThat(rows.at(COLUMNS + 7)).isZero();
      Tensor input = memory.allocate(DType.F32, 1, WIDTH);
      input.set(2, 0.5f);
      Tensor output = memory.allocate(DType.F32, 1, WIDTH);
      Linear stored = Linear.of(Matrix.ofTransposed(experts.row(EXPERTS - 1)));
      Linear expert = backend.place(stored, Placement.replicated(), 1, WeightForm.STORED, memory);
      backend.kernels().matmul(input, expert, output);
      assertThat(output.at(5)).isEqualTo(3);
      assertThat(output.at(4)).isZero();
    }
  }

  @Test
  void theDigestOfSuchAFileTakesNoSeconds() throws IOException {
    long start = System.nanoTime();
    String empty = CheckpointDigest.of(directory, TensorFiles.open(directory, arena));
    put(3, 1);
    String written = CheckpointDigest.of(directory, TensorFiles.open(directory, arena));
    assertThat(System.nanoTime() - start).isLessThan(10_000_000_000L);
    assertThat(written).startsWith("sha256:").isNotEqualTo(empty);
  }
}

package io.sparkllama4.weights;

import static org.assertj.core.api.Assertions.assertThat;

import io.sparkllama4.tensor.Allocator;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.NativeArena;
import io.sparkllama4.tensor.Tensor;
import io.sparkllama4.tensor.TensorSpec;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PackedCacheTest {
  private static final PackedCache.Key KEY =
      new PackedCache.Key("sha256:" + "0123456789abcdef".repeat(4), "test-1", "int4");

  /// One of them has two blocks, one no size that the alignment divides, one no elements.
  private static final List<TensorSpec> PLAN =
      List.of(
          TensorSpec.of(DType.I32, 40, 64),
          TensorSpec.of(DType.BF16, 7, 3),
          TensorSpec.of(DType.F32, 0),
          TensorSpec.of(DType.I8, 17, 1 << 20));

  @TempDir Path directory;

  private final NativeArena arena = new NativeArena();
  private final List<Tensor> tensors = new ArrayList<>();
  private final List<Warning> warnings = new ArrayList<>();

  @BeforeEach
  void makeTensors() {
    SplittableRandom random = new SplittableRandom(1);
    for (TensorSpec spec : PLAN) {
      Tensor tensor = arena.allocate(spec);
      for (long i = 0; i < spec.bytes(); i++) {
        tensor.data().set(ValueLayout.JAVA_BYTE, i, (byte) random.nextInt());
      }
      tensors.add(tensor);
    }
  }

  @AfterEach
  void close() {
    arena.close();
    assertThat(NativeArena.openBytes()).isZero();
  }

  private PackedCache cache(PackedCache.Key key) {
    return new PackedCache(directory, key, PLAN, 3);
  }

  private Path written() {
    PackedCache cache = cache(KEY);
    assertThat(cache.write(tensors, warnings::add)).isTrue();
    assertThat(warnings).isEmpty();
    return cache.file();
  }

  /// Checks what the file holds; false where it is not used.
  private boolean isUsed(PackedCache cache, List<Warning> told) {
    Optional<Allocator> found = cache.open(told::add);
    found.ifPresent(
        memory -> {
          assertThat(memory.isFilled()).isTrue();
          for (int i = 0; i < PLAN.size(); i++) {
            Tensor tensor = memory.allocate(PLAN.get(i));
            assertThat(tensor.data().isReadOnly()).isTrue();
            assertThat(tensor.data().mismatch(tensors.get(i).data())).isEqualTo(-1);
          }
          memory.close();
        });
    return found.isPresent();
  }

  private List<String> codes() {
    return warnings.stream().map(Warning::code).toList();
  }

  @Test
  void whatIsWrittenIsFoundAgain() throws IOException {
    assertThat(isUsed(cache(KEY), warnings)).as("nothing is there yet").isFalse();
    Path file = written();
    assertThat(isUsed(cache(KEY), warnings)).isTrue();
    assertThat(warnings).isEmpty();
    try (FileChannel channel = FileChannel.open(file)) {
      SafetensorsHeader header = SafetensorsHeader.read("file", channel);
      assertThat(header.dataStart() % 64).isZero();
      assertThat(header.tensors().values())
          .filteredOn(tensor -> !tensor.name().startsWith("filler"))
          .hasSize(PLAN.size())
          .allMatch(tensor -> tensor.begin() % 64 == 0);
      long end = 0;
      for (StoredTensor tensor : header.tensors().values()) {
        assertThat(tensor.begin()).as("the format allows no gaps").isEqualTo(end);
        end = tensor.end();
      }
      assertThat(channel.size()).isEqualTo(header.dataStart() + end);
    }
  }

  @Test
  void noFlippedBitIsOverlooked() throws IOException {
    Path file = written();
    byte[] whole = Files.readAllBytes(file);
    int header =
        8
            + Math.min(
                whole.length,
                new String(whole, 8, 4000, java.nio.charset.StandardCharsets.ISO_8859_1)
                        .lastIndexOf('}')
                    + 1);
    List<Integer> places = new ArrayList<>();
    for (int i = 0; i < header; i++) {
      places.add(i);
    }
    int data = whole.length - 17 * (1 << 20);
    places.addAll(List.of(data, data + 1, data + (16 << 20), whole.length - 1));
    int used = 0;
    for (int place : places) {
      byte[] damaged = whole.clone();
      damaged[place] ^= (byte) (1 << (place % 7));
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
        SafetensorsWriter.writeFully(channel, java.nio.ByteBuffer.wrap(damaged, place, 1), place);
        List<Warning> told = new ArrayList<>();
        // Where it is used all the same, as with a filler's name, its tensors are the right ones.
        boolean isUsed = isUsed(cache(KEY), told);
        assertThat(told).as("byte %d", place).hasSize(isUsed ? 0 : 1);
        used += isUsed ? 1 : 0;
        if (place >= data) {
          assertThat(told.getFirst().code()).isEqualTo("PACKED_CACHE_DAMAGED");
          assertThat(told.getFirst().message()).contains(file.toString(), "checksums", "Delete");
        }
        SafetensorsWriter.writeFully(channel, java.nio.ByteBuffer.wrap(whole, place, 1), place);
      }
    }
    assertThat(used).isLessThan(header / 4);
    assertThat(isUsed(cache(KEY), warnings)).as("whole again").isTrue();
  }

  @ParameterizedTest
  @CsvSource({"0", "7", "8", "500", "4096", "5000", "1000000", "-1"})
  void aShortFileIsDamagedAndWrittenAnew(long bytes) throws IOException {
    Path file = written();
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.truncate(bytes < 0 ? channel.size() + bytes : bytes);
    }
    assertThat(isUsed(cache(KEY), warnings)).isFalse();
    assertThat(codes()).containsExactly("PACKED_CACHE_DAMAGED");
    warnings.clear();
    written();
    assertThat(isUsed(cache(KEY), warnings)).isTrue();
  }

  @Test
  void aFileThatWasMadeFromSomethingElseIsStale() throws IOException {
    Path file = written();
    for (PackedCache.Key other :
        List.of(
            new PackedCache.Key(KEY.digest() + "0", KEY.layout(), KEY.form()),
            new PackedCache.Key(KEY.digest(), "test-2", KEY.form()),
            new PackedCache.Key(KEY.digest(), KEY.layout(), "int8"))) {
      warnings.clear();
      PackedCache cache = cache(other);
      if (!cache.file().equals(file)) {
        Files.copy(file, cache.file());
      }
      assertThat(isUsed(cache, warnings)).isFalse();
      assertThat(codes()).containsExactly("PACKED_CACHE_STALE");
      assertThat(warnings.getFirst().message()).contains(cache.file().toString(), "made for");
    }
  }

  @Test
  void aPlanThatHasChangedIsNotServed() {
    written();
    List<TensorSpec> other = new ArrayList<>(PLAN);
    other.set(0, TensorSpec.of(DType.I32, 20, 128));
    assertThat(isUsed(new PackedCache(directory, KEY, other, 1), warnings)).isFalse();
    assertThat(codes()).containsExactly("PACKED_CACHE_DAMAGED");
  }

  @Test
  void manyMayWriteAtOnce() throws Exception {
    try (ExecutorService threads = Executors.newFixedThreadPool(6)) {
      List<Callable<Boolean>> writers = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        writers.add(
            () -> {
              List<Warning> told = new ArrayList<>();
              boolean isWritten = cache(KEY).write(tensors, told::add);
              return isWritten && isUsed(cache(KEY), told) && told.isEmpty();
            });
      }
      for (Future<Boolean> writer : threads.invokeAll(writers)) {
        assertThat(writer.get()).isTrue();
      }
    }
    assertThat(names()).hasSize(1);
  }

  private List<String> names() throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.map(file -> file.getFileName().toString()).toList();
    }
  }

  @Test
  void whatCannotBeWrittenIsAWarning() throws IOException {
    Path file = Files.writeString(directory.resolve("file"), "in the way");
    PackedCache cache = new PackedCache(file.resolve("below"), KEY, PLAN, 1);
    assertThat(cache.write(tensors, warnings::add)).isFalse();
    assertThat(codes()).containsExactly("PACKED_CACHE_NOT_WRITTEN");
    assertThat(warnings.getFirst().message()).contains("--weights-cache", "room");
    // A directory in the file's place: everything is written, and cannot get its name.
    Files.createDirectories(cache(KEY).file().resolve("full"));
    warnings.clear();
    assertThat(cache(KEY).write(tensors, warnings::add)).isFalse();
    assertThat(codes()).containsExactly("PACKED_CACHE_NOT_WRITTEN");
    assertThat(names()).hasSize(2);
  }

  /// A process that writes until it is killed.
  static final class Writer {
    private Writer() {}

    /// Says the name of its file once it has begun.
    public static void main(String[] args) throws Exception {
      try (UnfinishedFile file = UnfinishedFile.create(Path.of(args[0]))) {
        file.channel().write(java.nio.ByteBuffer.allocate(100));
        System.out.println("begun");
        Thread.sleep(600_000);
      }
    }
  }

  @Test
  void whatAKilledWriterLeftOverGoesAndWhatALivingOneWritesStays() throws Exception {
    Path target = cache(KEY).file();
    Process writer =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                Writer.class.getName(),
                target.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (var output = writer.inputReader()) {
      assertThat(output.readLine()).isEqualTo("begun");
      written();
      assertThat(names()).as("its file is there while it lives").hasSize(2);
      writer.destroyForcibly().waitFor();
      assertThat(names()).hasSize(2);
      written();
      assertThat(names()).containsExactly(target.getFileName().toString());
    } finally {
      writer.destroyForcibly();
    }
    assertThat(isUsed(cache(KEY), warnings)).isTrue();
  }
}

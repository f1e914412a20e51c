package io.sparkllama4.cubins;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SortedMap;
import java.util.TreeMap;

/// Machine code for a device: an ELF file with a section of code for each kernel, and sections of
/// attributes. Its format is not published; what is read here is little, and a test compiles known
/// kernels and finds in them what they must have.
final class Cubin {
  private static final int SECTIONS = 0x28;
  private static final int FLAGS = 0x30;
  private static final int SECTION_SIZE = 0x3a;
  private static final int SYMBOL_SIZE = 24;

  private static final String CODE = ".text.";
  private static final String SHARED = ".nv.shared.";
  private static final String ATTRIBUTES = ".nv.info";

  /// An attribute that is followed by as many bytes as it says.
  private static final int SIZED = 4;

  private static final int MOST_THREADS = 0x05;
  private static final int REGISTERS = 0x2f;

  /// What the system keeps for itself in a block's shared memory from sm_90 on; sections count it.
  private static final int RESERVED_SHARED = 1024;

  private final ByteBuffer bytes;
  private final List<Section> sections = new ArrayList<>();
  private final SortedMap<String, Kernel> kernels = new TreeMap<>();

  /// A kernel.
  ///
  /// @param threads of a block, at most
  /// @param registers of a thread
  /// @param sharedBytes static shared memory of a block
  /// @param instructions how often each stands in its code
  record Kernel(int threads, int registers, int sharedBytes, Instructions instructions) {}

  /// Of a header: `name`, where in the file it begins, how long it is.
  private record Section(String name, int offset, int size) {}

  /// The file that holds `image`.
  Cubin(byte[] image) {
    bytes = ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN);
    if (image.length < SECTION_SIZE || bytes.getInt(0) != 0x464c457f) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT, "No ELF file: %,d bytes, beginning with something else", image.length));
    }
    readSections();
    int major = architecture() / 10;
    for (Section section : sections) {
      if (section.name.startsWith(CODE)) {
        String kernel = section.name.substring(CODE.length());
        int shared = section(SHARED + kernel).size;
        ByteBuffer code = bytes.slice(section.offset, section.size).order(ByteOrder.LITTLE_ENDIAN);
        kernels.put(
            kernel,
            new Kernel(
                threads(kernel),
                registers(kernel),
                shared == 0 || major < 9 ? shared : shared - RESERVED_SHARED,
                Instructions.of(code, major)));
      }
    }
  }

  /// The compute capability times ten, 80 for sm_80.
  int architecture() {
    int flags = bytes.getInt(FLAGS);
    // From sm_100 on the number stands a byte further.
    int old = flags & 0xff;
    return old >= 80 && old < 100 ? old : flags >> 8 & 0xff;
  }

  /// The kernels by name.
  SortedMap<String, Kernel> kernels() {
    return kernels;
  }

  /// The kernel `name`.
  Kernel kernel(String name) {
    Kernel kernel = kernels.get(name);
    if (kernel == null) {
      throw new IllegalArgumentException("No kernel [" + name + "] among " + kernels.keySet());
    }
    return kernel;
  }

  private void readSections() {
    int start = Math.toIntExact(bytes.getLong(SECTIONS));
    int size = bytes.getShort(SECTION_SIZE);
    int count = bytes.getShort(SECTION_SIZE + 2) & 0xffff;
    int names = offset(start + size * (bytes.getShort(SECTION_SIZE + 4) & 0xffff));
    for (int i = 0; i < count; i++) {
      int header = start + i * size;
      String name = text(names + bytes.getInt(header));
      int length = Math.toIntExact(bytes.getLong(header + 32));
      sections.add(new Section(name, offset(header), length));
    }
  }

  private int offset(int header) {
    return Math.toIntExact(bytes.getLong(header + 24));
  }

  private String text(int start) {
    int end = start;
    while (bytes.get(end) != 0) {
      end++;
    }
    return new String(bytes.array(), start, end - start, StandardCharsets.UTF_8);
  }

  private Section section(String name) {
    return sections.stream()
        .filter(section -> section.name.equals(name))
        .findFirst()
        .orElse(new Section(name, 0, 0));
  }

  private int threads(String kernel) {
    List<int[]> found = attributes(ATTRIBUTES + "." + kernel, MOST_THREADS);
    // Without launch bounds a block may have as many as any device allows.
    return found.isEmpty() ? 1024 : found.getFirst()[0] * found.getFirst()[1] * found.getFirst()[2];
  }

  private int registers(String kernel) {
    int symbols = section(".symtab").offset;
    int names = section(".strtab").offset;
    return attributes(ATTRIBUTES, REGISTERS).stream()
        .filter(pair -> text(names + bytes.getInt(symbols + pair[0] * SYMBOL_SIZE)).equals(kernel))
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("No registers for [" + kernel + "]"))[1];
  }

  /// The values of every attribute `code` in a section.
  private List<int[]> attributes(String name, int code) {
    List<int[]> found = new ArrayList<>();
    Section section = section(name);
    int at = section.offset;
    while (at < section.offset + section.size) {
      boolean sized = bytes.get(at) == SIZED;
      int length = sized ? bytes.getShort(at + 2) & 0xffff : 0;
      if (sized && bytes.get(at + 1) == code) {
        int[] values = new int[length / Integer.BYTES];
        bytes.slice(at + 4, length).order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(values);
        found.add(values);
      }
      at += 4 + length;
    }
    return found;
  }
}

package io.sparkllama4.cubins;

import java.nio.ByteBuffer;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/// How often instructions of interest stand in a kernel's code, under NVIDIA's names for them, with
/// the bits that memory instructions move: `LDG.128`.
///
/// @param counts by name
record Instructions(SortedMap<String, Integer> counts) {
  /// Products of matrices on tensor cores.
  static final String TENSOR = "HMMA";

  /// 16 bytes a thread from global memory, to registers.
  static final String WIDE_LOAD = "LDG.128";

  /// 16 bytes a thread from global memory, to shared memory.
  static final String WIDE_COPY = "LDGSTS.128";

  /// Loads from and stores to local memory: spilled registers, arrays with computed indices.
  private static final String LOCAL_LOAD = "LDL";

  private static final String LOCAL_STORE = "STL";

  /// An instruction takes 16 bytes.
  private static final int SIZE = 16;

  /// The lowest bits of an instruction say which it is.
  private static final int CODE = 0xfff;

  private static final Map<Integer, String> WITHOUT_WIDTH = Map.of(0x23c, TENSOR, 0x83b, "LDSM");

  private static final Map<Integer, String> WITH_WIDTH =
      Map.of(
          0x981,
          "LDG",
          0x986,
          "STG",
          0xfae,
          "LDGSTS",
          0x984,
          "LDS",
          0x388,
          "STS",
          0x983,
          LOCAL_LOAD,
          0x387,
          LOCAL_STORE);

  /// Bits by the value of an instruction's field.
  private static final String[] WIDTHS = {"U8", "S8", "U16", "S16", "32", "64", "128", "256"};

  /// Counts those of `code` for devices of compute capability `major`.x.
  static Instructions of(ByteBuffer code, int major) {
    SortedMap<String, Integer> counts = new TreeMap<>();
    for (int at = 0; at + SIZE <= code.capacity(); at += SIZE) {
      int operation = (int) code.getLong(at) & CODE;
      String name = WITHOUT_WIDTH.get(operation);
      String wide = WITH_WIDTH.get(operation);
      if (wide != null) {
        // Copies have their width one bit further from sm_100 on.
        int shift = wide.equals("LDGSTS") && major >= 10 ? 10 : 9;
        name = wide + "." + WIDTHS[(int) (code.getLong(at + 8) >> shift) & 7];
      }
      if (name != null) {
        counts.merge(name, 1, Integer::sum);
      }
    }
    return new Instructions(counts);
  }

  /// How many there are of `name`.
  int count(String name) {
    return counts.getOrDefault(name, 0);
  }

  /// Loads from global memory of 16 bytes a thread.
  int wideLoads() {
    return count(WIDE_LOAD) + count(WIDE_COPY);
  }

  /// Accesses to local memory.
  int localAccesses() {
    return counts.entrySet().stream()
        .filter(
            entry ->
                entry.getKey().startsWith(LOCAL_LOAD) || entry.getKey().startsWith(LOCAL_STORE))
        .mapToInt(Map.Entry::getValue)
        .sum();
  }
}

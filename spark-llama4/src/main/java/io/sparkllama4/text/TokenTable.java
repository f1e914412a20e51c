package io.sparkllama4.text;

/// The bytes of every id, in one array; of special tokens, and of ids that no token has, none.
final class TokenTable {
  private final byte[] bytes;
  private final int[] starts; // [size + 1]

  /// @param tokens the bytes by id
  TokenTable(byte[][] tokens) {
    this.starts = new int[tokens.length + 1];
    for (int id = 0; id < tokens.length; id++) {
      starts[id + 1] = Math.addExact(starts[id], tokens[id].length);
    }
    this.bytes = new byte[starts[tokens.length]];
    for (int id = 0; id < tokens.length; id++) {
      System.arraycopy(tokens[id], 0, bytes, starts[id], tokens[id].length);
    }
  }

  /// The number of bytes of `id`.
  int byteCount(int id) {
    return id >= 0 && id < starts.length - 1 ? starts[id + 1] - starts[id] : 0;
  }

  /// Gives the bytes of `id` to `sink`, one after the other.
  void forEach(int id, Sink sink) {
    if (id >= 0 && id < starts.length - 1) {
      for (int i = starts[id]; i < starts[id + 1]; i++) {
        sink.accept(bytes[i] & 0xff);
      }
    }
  }

  /// Takes bytes.
  @FunctionalInterface
  interface Sink {
    void accept(int value);
  }
}

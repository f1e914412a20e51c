package io.sparkllama4.backend.cpu;

/// Where the inputs of a row of weights, or of a token, stand in the arrays that dot products read.
///
/// Inputs are gathered in pieces of COUNT floats; piece p belongs to chain p mod 4 ([DotTiles]).
/// Under matrices of plain brain floats every second piece holds what stands at odd places, `0 2 4
/// ... | 1 3 5 ...`: a 32-bit word of two brain floats becomes two floats by a shift and a mask,
/// without a permutation. Zeros fill the last pieces.
///
/// @param inputs number of inputs
/// @param interleaves whether even and odd inputs stand in pieces of their own
/// @param width rows or tokens that stand side by side
/// @param byChain whether all pieces of a chain stand together, `[chain][piece][width][COUNT]`, or
///     the chains in turn, `[piece][chain][width][COUNT]`
record Pieces(int inputs, boolean interleaves, int width, boolean byChain) {

  /// Floats of one row: inputs rounded up to whole pieces for every chain.
  int padded() {
    int unit = DotTiles.CHAINS * Lanes.COUNT;
    return (inputs + unit - 1) / unit * unit;
  }

  /// Floats of all rows that stand side by side.
  int floats() {
    return padded() * width;
  }

  /// Pieces of one chain.
  int perChain() {
    return padded() / DotTiles.CHAINS / Lanes.COUNT;
  }

  /// Floats from a piece of a chain to its next.
  int pieceStride() {
    return (byChain ? 1 : DotTiles.CHAINS) * width * Lanes.COUNT;
  }

  /// Floats from a piece of one chain to that of the next.
  int chainStride() {
    return (byChain ? perChain() : 1) * width * Lanes.COUNT;
  }

  /// The place of `input` in the first of the rows.
  int place(int input) {
    int at = input;
    if (interleaves) {
      int pair = 2 * Lanes.COUNT;
      int within = input % pair;
      at = input - within + within / 2 + (within % 2) * Lanes.COUNT;
    }
    int piece = at / Lanes.COUNT;
    return piece % DotTiles.CHAINS * chainStride()
        + piece / DotTiles.CHAINS * pieceStride()
        + at % Lanes.COUNT;
  }

  /// The places of all inputs.
  int[] places() {
    int[] places = new int[inputs];
    for (int i = 0; i < inputs; i++) {
      places[i] = place(i);
    }
    return places;
  }

  /// Clears what lies behind the last input of the row at `offset`.
  void clearTail(float[] target, int offset) {
    int unit = DotTiles.CHAINS * Lanes.COUNT;
    for (int at = inputs - inputs % unit; at < padded(); at += Lanes.COUNT) {
      int piece = at / Lanes.COUNT;
      int from =
          offset
              + piece % DotTiles.CHAINS * chainStride()
              + piece / DotTiles.CHAINS * pieceStride();
      java.util.Arrays.fill(target, from, from + Lanes.COUNT, 0);
    }
  }
}

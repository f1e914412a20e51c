package io.sparkllama4.backend.cuda;

import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Fragments;
import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.Matrix;
import io.sparkllama4.tensor.Quantization;
import io.sparkllama4.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.EnumMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/// Products of rows with weights: which kernel, in which tiles, with how many splits of the inputs.
///
/// The kernels sum in an order that the weights' shapes decide, so that none of these choices
/// changes a bit; they are made for speed alone. Used on the device's thread.
final class Products implements AutoCloseable {
  private static final int THREADS = 128;
  private static final int FEW = 16;
  private static final int MANY = 64;

  /// Blocks that keep the multiprocessors of the largest devices busy.
  private static final int ENOUGH_BLOCKS = 256;

  private static final int MOST_SPLITS = 8;

  private final KernelSet kernels;
  private final CudaStream stream;
  private final Scratch scratch;
  private final Map<DType, int[]> shapes = new EnumMap<>(DType.class);
  private final IdentityHashMap<List<Linear>, GroupTable> tables = new IdentityHashMap<>();

  Products(KernelSet kernels, CudaStream stream, Scratch scratch) {
    this.kernels = kernels;
    this.stream = stream;
    this.scratch = scratch;
  }

  /// The addresses of a group's matrices, on the device.
  private record GroupTable(DeviceMemory memory) {}

  /// Tiles of one kernel.
  ///
  /// @param rows of a tile
  /// @param strips of outputs that a block makes
  /// @param sharedBytes dynamic shared memory of a block
  private record Tile(int rows, int strips, int sharedBytes) {}

  private static String format(Matrix matrix) {
    return switch (matrix.values().dtype()) {
      case BF16, F32 -> "bf16";
      case U8 -> "int8";
      case F8_E4M3 -> "e4m3";
      case I32 -> "int4";
      default -> throw new IllegalArgumentException("No product with " + matrix.values().dtype());
    };
  }

  private Tile tile(Matrix matrix, boolean isGated, int rows, PackedRows input) {
    int[] known = shapes.computeIfAbsent(matrix.values().dtype(), _ -> read(format(matrix)));
    int at = (isGated ? 6 : 0) + (rows == MANY ? 3 : 0);
    return new Tile(rows, known[at], known[at + (input.termStride() == 0 ? 1 : 2)]);
  }

  /// What a format's kernels say of their tiles.
  private int[] read(String format) {
    CudaDevice device = stream.device();
    try (DeviceMemory memory = DeviceMemory.allocate(device, 12 * Integer.BYTES);
        Readback readback = new Readback(stream, 12 * Integer.BYTES)) {
      Launch launch = kernels.of("matmul_shapes_" + format);
      launch.begin().pointer(memory.address()).run(stream, 1, 1, 1, 32, 0);
      return readback.read(memory.address(), 12 * Integer.BYTES).toArray(ValueLayout.JAVA_INT);
    }
  }

  /// Whether products with it are taken in float32.
  static boolean isExact(Linear weight) {
    return weight.parts().getFirst().weight().order() != Matrix.Order.FRAGMENTS;
  }

  /// `output = input Wt + bias` in float32.
  ///
  /// @param input F32 `[T, A]`
  void exact(Tensor input, Linear weight, Tensor output) {
    long column = 0;
    for (Linear.Part part : weight.parts()) {
      Matrix matrix = part.weight();
      kernels
          .of("matmul_float")
          .begin()
          .pointer(input)
          .pointer(matrix.values())
          .pointer(bias(part))
          .integer(input.rows())
          .integer((int) matrix.rows())
          .integer((int) matrix.columns())
          .pointer(output.data().address() + Float.BYTES * column)
          .number(output.rowElements())
          .run(stream, Math.ceilDiv(input.rows(), 8), 1, 1, 256, 0);
      column += matrix.rows();
    }
  }

  private static long bias(Linear.Part part) {
    return part.hasBias() ? part.bias().data().address() : 0;
  }

  /// `output = input Wt + bias`, the parts of the layer side by side.
  ///
  /// @param rows how many
  /// @param output F32 `[T, B]`
  void dense(PackedRows input, int rows, Linear weight, Tensor output) {
    long column = 0;
    for (Linear.Part part : weight.parts()) {
      long at = output.data().address() + Float.BYTES * column;
      dense(input, rows, part, at, output.rowElements());
      column += part.weight().rows();
    }
  }

  private void dense(PackedRows input, int rows, Linear.Part part, long output, long stride) {
    Matrix matrix = part.weight();
    Tile tile = tile(matrix, false, rows <= FEW ? FEW : MANY, input);
    int splits = splits(matrix);
    int columns = columns(matrix, tile);
    int tiles = Math.ceilDiv(rows, tile.rows());
    // Many rows fill the device by themselves, and a block then takes one split after the other.
    boolean sideBySide = splits > 1 && (long) columns * tiles < ENOUGH_BLOCKS;
    long elements = rows * matrix.rows();
    long partials =
        sideBySide
            ? scratch.address(Scratch.Use.PRODUCT_SPLITS, Float.BYTES * elements * splits)
            : 0;
    Launch launch = kernels.of("matmul_" + format(matrix) + "_" + tile.rows());
    begin(launch, input, 0)
        .pointer(0)
        .pointer(0)
        .integer(0)
        .pointer(0)
        .pointer(matrix.values())
        .pointer(scales(matrix))
        .pointer(0)
        .pointer(0);
    shape(launch, matrix, rows)
        .pointer(bias(part))
        .integer(splits)
        .pointer(partials)
        .pointer(output)
        .number(stride)
        .run(stream, columns, tiles, sideBySide ? splits : 1, THREADS, tile.sharedBytes());
    if (sideBySide) {
      boolean isScaled = !(matrix.quantization() instanceof Quantization.Int4PerGroup);
      kernels
          .of("matmul_finish")
          .begin()
          .pointer(partials)
          .integer(splits)
          .integer(rows)
          .integer((int) matrix.rows())
          .pointer(isScaled ? scales(matrix) : 0)
          .pointer(bias(part))
          .pointer(output)
          .number(stride)
          .run(stream, (int) Math.ceilDiv(elements, 256L), 1, 1, 256, 0);
    }
  }

  /// Into how many splits the inputs of a matrix are cut: by its shape alone.
  static int splits(Matrix matrix) {
    DType dtype = matrix.values().dtype();
    long inputs = Fragments.terms(dtype) * Fragments.paddedInputs(dtype, matrix.columns());
    long units = inputs / Fragments.inputUnit(dtype);
    long blocks = Math.ceilDiv(Fragments.strips(matrix.rows()), 4);
    return Math.clamp(Math.min(ENOUGH_BLOCKS / blocks, units / 4), 1, MOST_SPLITS);
  }

  private static int columns(Matrix matrix, Tile tile) {
    return Math.toIntExact(Math.ceilDiv(Fragments.strips(matrix.rows()), tile.strips()));
  }

  private static Launch begin(Launch launch, PackedRows input, long rowOf) {
    launch.begin().pointer(input.address()).number(input.stride()).number(input.termStride());
    return launch.pointer(rowOf);
  }

  private static Launch shape(Launch launch, Matrix matrix, int rows) {
    int group = matrix.quantization() instanceof Quantization.Int4PerGroup(_, int g, _) ? g : 32;
    DType dtype = matrix.values().dtype();
    int inputs = (int) Fragments.paddedInputs(dtype, matrix.columns());
    boolean isWide =
        matrix.quantization() instanceof Quantization.Int4PerGroup(Tensor scales, _, _)
            && scales.dtype() == DType.F32;
    return launch
        .integer(group)
        .integer(isWide ? 1 : 0)
        .integer(rows)
        .integer((int) matrix.rows())
        .integer(Fragments.terms(dtype) * inputs)
        .integer(inputs);
  }

  private static long scales(Matrix matrix) {
    return switch (matrix.quantization()) {
      case Quantization.None _ -> 0;
      case Quantization.Fp8PerRow(Tensor scales) -> scales.data().address();
      case Quantization.Int8PerRow(Tensor scales) -> scales.data().address();
      case Quantization.Int4PerGroup(Tensor scales, _, _) -> scales.data().address();
    };
  }

  /// `output = silu(gate x) * up x` in bf16.
  ///
  /// @param gateUp of two parts
  /// @param output rows of `strideOfOutputs(F)`
  void gated(PackedRows input, int rows, Linear gateUp, PackedRows output) {
    Matrix gate = gateUp.parts().getFirst().weight();
    Matrix up = gateUp.parts().getLast().weight();
    Tile tile = tile(gate, true, rows <= FEW ? FEW : MANY, input);
    Launch launch = kernels.of("matmul_gated_" + format(gate) + "_" + tile.rows());
    begin(launch, input, 0)
        .pointer(0)
        .pointer(0)
        .integer(0)
        .pointer(0)
        .pointer(gate.values())
        .pointer(scales(gate))
        .pointer(up.values())
        .pointer(scales(up));
    shape(launch, gate, rows)
        .pointer(0)
        .pointer(output.address())
        .number(output.stride())
        .number(output.termStride())
        .run(
            stream,
            columns(gate, tile),
            Math.ceilDiv(rows, tile.rows()),
            1,
            THREADS,
            tile.sharedBytes());
  }

  /// The same for each group of a routing, each row's gate and up times its score.
  ///
  /// @param input rows of tokens
  /// @param gateUp by group
  void groupedGated(PackedRows input, CudaRouting routing, List<Linear> gateUp, PackedRows output) {
    Matrix gate = gateUp.getFirst().parts().getFirst().weight();
    Tile tile = groupedTile(gate, true, routing, input);
    Launch launch = kernels.of("matmul_gated_" + format(gate) + "_" + tile.rows());
    begin(launch, input, routing.tokenOf.data().address());
    grouped(launch, routing, gateUp, tile);
    shape(launch, gate, routing.mostRows())
        .pointer(routing.scoreOfRow)
        .pointer(output.address())
        .number(output.stride())
        .number(output.termStride())
        .run(stream, columns(gate, tile), mostTiles(routing, tile), 1, THREADS, tile.sharedBytes());
  }

  /// `output = input Wt` for each group's rows.
  ///
  /// @param input rows by group
  /// @param weights by group, of one part each
  /// @param output F32 `[rows, B]`
  /// @param stride elements from row to row of the output
  void grouped(
      PackedRows input, CudaRouting routing, List<Linear> weights, long output, long stride) {
    Matrix first = weights.getFirst().parts().getFirst().weight();
    Tile tile = groupedTile(first, false, routing, input);
    Launch launch = kernels.of("matmul_" + format(first) + "_" + tile.rows());
    begin(launch, input, 0);
    grouped(launch, routing, weights, tile);
    shape(launch, first, routing.mostRows())
        .pointer(0)
        .integer(1)
        .pointer(0)
        .pointer(output)
        .number(stride)
        .run(
            stream, columns(first, tile), mostTiles(routing, tile), 1, THREADS, tile.sharedBytes());
  }

  private void grouped(Launch launch, CudaRouting routing, List<Linear> weights, Tile tile) {
    launch
        .pointer(routing.offsets)
        .pointer(tile.rows() == FEW ? routing.tiles16 : routing.tiles64)
        .integer(routing.groups())
        .pointer(table(weights))
        .pointer(0)
        .pointer(0)
        .pointer(0)
        .pointer(0);
  }

  /// Small tiles while the groups' rows are few on average.
  private Tile groupedTile(Matrix matrix, boolean isGated, CudaRouting routing, PackedRows input) {
    boolean isFew = routing.typicalRows() <= (long) FEW * Math.max(1, routing.groups());
    return tile(matrix, isGated, isFew ? FEW : MANY, input);
  }

  /// How many tiles there can be, whatever the routing: one to a group is not full.
  private static int mostTiles(CudaRouting routing, Tile tile) {
    int rows = routing.mostRows();
    return Math.min(rows, rows / tile.rows() + routing.groups());
  }

  private long table(List<Linear> weights) {
    GroupTable known = tables.get(weights);
    if (known == null) {
      known = makeTable(weights);
      tables.put(weights, known);
    }
    return known.memory().address();
  }

  private GroupTable makeTable(List<Linear> weights) {
    long[] addresses = new long[4 * weights.size()];
    for (int group = 0; group < weights.size(); group++) {
      List<Linear.Part> parts = weights.get(group).parts();
      for (int part = 0; part < parts.size(); part++) {
        Matrix matrix = parts.get(part).weight();
        addresses[4 * group + 2 * part] = matrix.values().data().address();
        addresses[4 * group + 2 * part + 1] = scales(matrix);
      }
    }
    long bytes = (long) Long.BYTES * addresses.length;
    DeviceMemory memory = DeviceMemory.allocate(stream.device(), bytes);
    try (PinnedRing ring = new PinnedRing(stream, 1, bytes)) {
      ring.upload(MemorySegment.ofArray(addresses), memory.address(), bytes);
    } catch (RuntimeException | Error e) {
      new Failures(e).attempt(memory::close);
      throw e;
    }
    return new GroupTable(memory);
  }

  @Override
  public void close() {
    tables.values().forEach(table -> table.memory().close());
    tables.clear();
  }
}

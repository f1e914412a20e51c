package io.sparkllama4.backend.check;

import io.sparkllama4.backend.KvLayer;
import io.sparkllama4.backend.Temperature;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Tensor;
import java.util.stream.IntStream;

/// The kernels between products: on rows, on heads, on the cache.
final class RowChecks {
  private static final int[] ROWS = {1, 2, 31, 33, 300};
  private static final int[] DIMS = {2, 8, 16, 64, 128};
  private static final int[] POSITIONS = {0, 1, 7, 8, 100, 8191, 8192, 1_000_000, 10_485_759};
  private static final int SLOTS = 20;

  private RowChecks() {}

  private static int width(int rows) {
    return 5 + 67 * (rows % 5);
  }

  static void embed(Pair pair, Comparison comparison) {
    for (int rows : ROWS) {
      for (DType dtype : new DType[] {DType.F32, DType.BF16, DType.F16}) {
        Tensor table = pair.random().wide(dtype, 40, width(rows));
        Tensor found = pair.found(subject -> embed(subject, table, rows));
        Tensor expected = pair.expected(subject -> embed(subject, table, rows));
        comparison.floats(rows + " rows of " + dtype, found, expected, 0);
      }
    }
  }

  private static Tensor embed(Subject subject, Tensor table, int rows) {
    Tensor output = subject.room(rows, table.rowElements());
    Tensor placed = subject.backend().placeTable(table, subject.memory());
    Tensor ids = subject.ints(IntStream.range(0, rows).map(i -> i * 7 % 40).toArray());
    subject.run(kernels -> kernels.embed(ids, placed, output));
    return output;
  }

  static void norm(Pair pair, Comparison comparison) {
    for (int rows : ROWS) {
      Tensor input = pair.random().floats(rows, width(rows));
      Tensor weight = pair.random().floats(width(rows));
      Tensor found = pair.found(subject -> norm(subject, input, weight));
      Tensor expected = pair.expected(subject -> norm(subject, input, weight));
      comparison.relative(rows + " rows", found, expected, 1e-5);
    }
  }

  private static Tensor norm(Subject subject, Tensor input, Tensor weight) {
    Tensor rows = subject.floats(input);
    Tensor scales = subject.floats(weight);
    Tensor output = subject.room(input.shape().sizes());
    subject.run(kernels -> kernels.rmsNorm(rows, scales, 1e-5f, output));
    return output;
  }

  static void add(Pair pair, Comparison comparison) {
    for (int rows : ROWS) {
      Tensor addend = pair.random().floats(rows, width(rows));
      Tensor target = pair.random().floats(rows, width(rows));
      Tensor found = pair.found(subject -> add(subject, addend, target));
      Tensor expected = pair.expected(subject -> add(subject, addend, target));
      comparison.floats(rows + " rows", found, expected, 0);
    }
  }

  private static Tensor add(Subject subject, Tensor addend, Tensor target) {
    Tensor from = subject.floats(addend);
    Tensor sum = subject.floats(target);
    subject.run(kernels -> kernels.add(from, sum));
    return sum;
  }

  /// Into other memory, and to the front of their own.
  static void select(Pair pair, Comparison comparison) {
    for (int rows : ROWS) {
      Tensor input = pair.random().floats(rows, width(rows));
      for (boolean isInPlace : new boolean[] {false, true}) {
        Tensor found = pair.found(subject -> select(subject, input, isInPlace));
        Tensor expected = pair.expected(subject -> select(subject, input, isInPlace));
        comparison.floats(rows + (isInPlace ? " rows in place" : " rows"), found, expected, 0);
      }
    }
  }

  private static Tensor select(Subject subject, Tensor input, boolean isInPlace) {
    int[] kept = IntStream.range(0, input.rows()).filter(i -> i % 3 != 1).toArray();
    Tensor from = subject.floats(input);
    Tensor to = isInPlace ? from.rows(kept.length) : subject.room(kept.length, input.rowElements());
    Tensor indices = subject.ints(kept);
    subject.run(kernels -> kernels.selectRows(from, indices, to));
    return to;
  }

  static void swiGlu(Pair pair, Comparison comparison) {
    for (int rows : ROWS) {
      Tensor input = pair.random().floats(rows, 2L * width(rows));
      Tensor found = pair.found(subject -> swiGlu(subject, input));
      Tensor expected = pair.expected(subject -> swiGlu(subject, input));
      comparison.relative(rows + " rows", found, expected, 1e-6);
    }
  }

  private static Tensor swiGlu(Subject subject, Tensor input) {
    Tensor gateUp = subject.floats(input);
    Tensor output = subject.room(input.rows(), input.rowElements() / 2);
    subject.run(kernels -> kernels.swiGlu(gateUp, output));
    return output;
  }

  /// What is done to a head.
  private enum Turn {
    ROPE,
    NORM,
    SCALE
  }

  static void heads(Pair pair, Comparison comparison) {
    for (int dim : DIMS) {
      Tensor heads = pair.random().floats(POSITIONS.length, 3L * dim);
      Tensor rates = pair.random().arena().allocate(DType.F32, dim / 2);
      for (int j = 0; j < dim / 2; j++) {
        rates.set(j, (float) Math.pow(500_000, -2.0 * j / dim));
      }
      for (Turn turn : Turn.values()) {
        Tensor found = pair.found(subject -> turn(subject, turn, heads, rates));
        Tensor expected = pair.expected(subject -> turn(subject, turn, heads, rates));
        double tolerance = turn == Turn.ROPE ? 1e-6 : 1e-5;
        comparison.relative(turn + " of heads of " + dim, found, expected, tolerance);
      }
    }
  }

  private static Tensor turn(Subject subject, Turn turn, Tensor heads, Tensor rates) {
    Tensor turned = subject.floats(heads);
    Tensor positions = subject.ints(POSITIONS);
    Tensor placed = subject.floats(rates);
    subject.run(
        kernels -> {
          switch (turn) {
            case ROPE -> kernels.rope(turned, positions, placed);
            case NORM -> kernels.normHeads(turned, 2 * rates.rows(), 1e-5f);
            case SCALE -> kernels.scaleQueries(turned, positions, new Temperature(8192, 0.1));
          }
        });
    return turned;
  }

  /// Keys and values stand in their slots, and nothing stands elsewhere.
  static void cache(DType dtype, Pair pair, Comparison comparison) {
    Tensor key = pair.random().floats(4, 48);
    Tensor value = pair.random().floats(4, 48);
    Tensor[] found = store(pair.device(), dtype, key, value);
    Tensor[] expected = store(pair.plain(), DType.F32, key, value);
    double step = dtype == DType.BF16 ? 0x1p-8 : 0x1p-4;
    for (int part = 0; part < found.length; part++) {
      Tensor read = pair.device().read(found[part]);
      for (long i = 0; i < read.shape().elements(); i++) {
        double right = expected[part].at(i);
        String what = part == 0 ? "keys" : "values";
        comparison.number(what, i, read.decode(i), right, step * Math.abs(right) + 0x1p-9);
      }
    }
  }

  private static Tensor[] store(Subject subject, DType dtype, Tensor key, Tensor value) {
    KvLayer cache = new KvLayer(SLOTS);
    Tensor keys = subject.memory().allocate(dtype, SLOTS, 2, 24);
    Tensor values = subject.memory().allocate(dtype, SLOTS, 2, 24);
    cache.append(keys, values);
    Tensor from = subject.floats(key);
    Tensor also = subject.floats(value);
    Tensor slots = subject.ints(19, 0, 12, 7);
    subject.run(kernels -> kernels.storeKv(from, also, slots, cache));
    return new Tensor[] {keys, values};
  }
}

package io.sparkllama4.backend.cpu;

import io.sparkllama4.backend.AttentionSpec;
import io.sparkllama4.backend.BlockTables;
import io.sparkllama4.backend.Kernels;
import io.sparkllama4.backend.KvLayer;
import io.sparkllama4.backend.Routing;
import io.sparkllama4.backend.SampleResult;
import io.sparkllama4.backend.SampleRow;
import io.sparkllama4.backend.Span;
import io.sparkllama4.backend.StepTokens;
import io.sparkllama4.backend.Temperature;
import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.Matrix;
import io.sparkllama4.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/// The kernels as plain loops: the specification. It stays simple for ever; whatever is faster is
/// tested against it, within `1e-5 * sum |x w|` for every sum.
public class ScalarKernels implements Kernels {
  private final RankLink link;

  /// The kernels of a model on one rank.
  public ScalarKernels() {
    this(RankLink.ALONE);
  }

  /// The kernels of one of several ranks.
  ScalarKernels(RankLink link) {
    this.link = link;
  }

  @Override
  public void embed(Tensor ids, Tensor table, Tensor output) {
    long width = table.rowElements();
    for (int t = 0; t < ids.rows(); t++) {
      for (long h = 0; h < width; h++) {
        output.set(t * width + h, table.decode(ids.intAt(t) * width + h));
      }
    }
  }

  @Override
  public void rmsNorm(Tensor input, Tensor weight, float epsilon, Tensor output) {
    long width = input.rowElements();
    for (long row = 0; row < input.rows(); row++) {
      float scale = inverseRootMeanSquare(input, row * width, width, epsilon);
      for (long h = 0; h < width; h++) {
        output.set(row * width + h, input.at(row * width + h) * scale * weight.decode(h));
      }
    }
  }

  @Override
  public void normHeads(Tensor heads, int headDim, float epsilon) {
    for (long u = 0; u < heads.shape().elements(); u += headDim) {
      float scale = inverseRootMeanSquare(heads, u, headDim, epsilon);
      for (long i = u; i < u + headDim; i++) {
        heads.set(i, heads.at(i) * scale);
      }
    }
  }

  /// `1 / sqrt(mean(x^2) + epsilon)` of `width` elements from `first` on.
  static float inverseRootMeanSquare(Tensor x, long first, long width, float epsilon) {
    float sum = 0;
    for (long i = first; i < first + width; i++) {
      sum += x.at(i) * x.at(i);
    }
    return (float) (1 / Math.sqrt(sum / width + epsilon));
  }

  @Override
  public void rope(Tensor heads, Tensor positions, Tensor inverseFrequencies) {
    int pairs = inverseFrequencies.rows();
    long width = heads.rowElements();
    for (int t = 0; t < positions.rows(); t++) {
      for (int j = 0; j < pairs; j++) {
        float angle = positions.intAt(t) * inverseFrequencies.at(j);
        float cos = (float) Math.cos(angle);
        float sin = (float) Math.sin(angle);
        for (long u = t * width; u < (t + 1) * width; u += 2L * pairs) {
          rotate(heads, u + 2L * j, u + 2L * j + 1, cos, sin);
        }
      }
    }
  }

  /// Rotates the pair of elements `first` and `second`.
  protected static void rotate(Tensor heads, long first, long second, float cos, float sin) {
    float a = heads.at(first);
    float b = heads.at(second);
    heads.set(first, a * cos - b * sin);
    heads.set(second, a * sin + b * cos);
  }

  @Override
  public void scaleQueries(Tensor queries, Tensor positions, Temperature temperature) {
    long width = queries.rowElements();
    for (int t = 0; t < positions.rows(); t++) {
      float factor = temperature.factor(positions.intAt(t));
      for (long i = t * width; i < (t + 1) * width; i++) {
        queries.set(i, queries.at(i) * factor);
      }
    }
  }

  @Override
  public void storeKv(Tensor keys, Tensor values, Tensor slots, KvLayer cache) {
    for (int t = 0; t < slots.rows(); t++) {
      int slot = slots.intAt(t);
      int index = cache.indexInSlab(slot);
      cache.keys(slot).row(index).data().copyFrom(keys.row(t).data());
      cache.values(slot).row(index).data().copyFrom(values.row(t).data());
    }
  }

  @Override
  public void attend(
      Tensor queries,
      StepTokens tokens,
      BlockTables tables,
      KvLayer cache,
      AttentionSpec spec,
      Tensor output) {
    for (int s = 0; s < tokens.sequences(); s++) {
      for (int t = tokens.queryStarts().intAt(s); t < tokens.queryStarts().intAt(s + 1); t++) {
        int position = tokens.positions().intAt(t);
        int[] slots = visibleSlots(spec.firstVisible(position), position, s, tables);
        for (int head = 0; head < spec.heads(); head++) {
          attendOne(queries.row(t), head, slots, cache, spec, output.row(t));
        }
      }
    }
  }

  /// The cache slots of positions `first` to `last`, both included.
  protected static int[] visibleSlots(int first, int last, int sequence, BlockTables tables) {
    int[] slots = new int[last - first + 1];
    int start = tables.starts().intAt(sequence) - tables.firstBlocks().intAt(sequence);
    for (int position = first; position <= last; position++) {
      int block = tables.blocks().intAt(start + position / tables.blockTokens());
      slots[position - first] = block * tables.blockTokens() + position % tables.blockTokens();
    }
    return slots;
  }

  private void attendOne(
      Tensor query, int head, int[] slots, KvLayer cache, AttentionSpec spec, Tensor output) {
    int dim = spec.headDim();
    long q = (long) head * dim;
    long kv = (long) keyHead(head, spec) * dim;
    float[] weights = new float[slots.length];
    float best = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < slots.length; i++) {
      Tensor key = cache.keys(slots[i]).row(cache.indexInSlab(slots[i]));
      float score = 0;
      for (int d = 0; d < dim; d++) {
        score += query.at(q + d) * key.at(kv + d);
      }
      weights[i] = score / (float) Math.sqrt(dim);
      best = Math.max(best, weights[i]);
    }
    float total = 0;
    for (int i = 0; i < slots.length; i++) {
      weights[i] = (float) Math.exp(weights[i] - best);
      total += weights[i];
    }
    for (int d = 0; d < dim; d++) {
      float sum = 0;
      for (int i = 0; i < slots.length; i++) {
        Tensor value = cache.values(slots[i]).row(cache.indexInSlab(slots[i]));
        sum += weights[i] * value.at(kv + d);
      }
      output.set(q + d, sum / total);
    }
  }

  /// The key head that query head `head` reads: heads of one group stand side by side.
  protected int keyHead(int head, AttentionSpec spec) {
    return head / (spec.heads() / spec.kvHeads());
  }

  @Override
  public void matmul(Tensor input, Linear weight, Tensor output) {
    matmulRows(input, 0, input.rows(), weight, output);
  }

  /// `output[t] = input[t] Wt + bias` for rows `first` up to `end`.
  private static void matmulRows(Tensor input, int first, int end, Linear weight, Tensor output) {
    long outputs = output.rowElements();
    long column = 0;
    for (Linear.Part part : weight.parts()) {
      Matrix matrix = part.weight();
      if (matrix.quantization().quantizesInputs()) {
        IntegerProduct.add(input, first, end, part, output, column);
        column += matrix.rows();
        continue;
      }
      float[] w = new float[Math.toIntExact(matrix.columns())];
      for (long row = 0; row < matrix.rows(); row++, column++) {
        for (int i = 0; i < w.length; i++) {
          w[i] = matrix.weight(row, i);
        }
        float bias = part.hasBias() ? part.bias().decode(row) : 0;
        for (long t = first; t < end; t++) {
          float sum = 0;
          for (int i = 0; i < w.length; i++) {
            sum += input.at(t * w.length + i) * w[i];
          }
          output.set(t * outputs + column, sum + bias);
        }
      }
    }
  }

  @Override
  public void swiGlu(Tensor gateUp, Tensor output) {
    long width = output.rowElements();
    for (long t = 0; t < output.rows(); t++) {
      for (long f = 0; f < width; f++) {
        float gate = gateUp.at(2 * t * width + f);
        float up = gateUp.at((2 * t + 1) * width + f);
        output.set(t * width + f, (float) (gate / (1 + Math.exp(-gate))) * up);
      }
    }
  }

  @Override
  public void route(Tensor logits, int chosen, Span held, Routing routing) {
    CpuRouting result = (CpuRouting) routing;
    int experts = Math.toIntExact(logits.rowElements());
    boolean[] taken = new boolean[experts];
    for (int t = 0; t < logits.rows(); t++) {
      java.util.Arrays.fill(taken, false);
      for (int rank = 0; rank < chosen; rank++) {
        int best = -1;
        for (int e = 0; e < experts; e++) {
          float logit = logits.at((long) t * experts + e);
          if (!taken[e] && (best < 0 || logit > logits.at((long) t * experts + best))) {
            best = e;
          }
        }
        taken[best] = true;
        result.choose(t, rank, best, sigmoid(logits.at((long) t * experts + best)));
      }
    }
    result.order(logits.rows(), held);
  }

  /// `1 / (1 + exp(-z))`.
  protected static float sigmoid(float z) {
    return (float) (1 / (1 + Math.exp(-z)));
  }

  @Override
  public void gatherRows(Tensor input, Routing routing, Tensor output) {
    CpuRouting route = (CpuRouting) routing;
    long width = input.rowElements();
    for (int row = 0; row < route.rows(); row++) {
      long from = route.tokenOfRow(row) * width;
      for (long h = 0; h < width; h++) {
        output.set(row * width + h, input.at(from + h) * route.scoreOfRow(row));
      }
    }
  }

  @Override
  public void groupedMatmul(Tensor input, Routing routing, List<Linear> weights, Tensor output) {
    CpuRouting route = (CpuRouting) routing;
    for (int expert = 0; expert < weights.size(); expert++) {
      int first = route.firstRow(expert);
      int end = route.firstRow(expert + 1);
      if (first < end) {
        matmulRows(input, first, end, weights.get(expert), output);
      }
    }
  }

  @Override
  public void scatterAdd(Tensor input, Routing routing, Tensor output) {
    CpuRouting route = (CpuRouting) routing;
    long width = input.rowElements();
    for (int t = 0; t < output.rows(); t++) {
      for (long h = 0; h < width; h++) {
        float sum = 0;
        for (int rank = 0; rank < route.chosen(); rank++) {
          int row = route.rowOf(t, rank);
          if (row >= 0) {
            sum += input.at(row * width + h);
          }
        }
        output.set(t * width + h, sum);
      }
    }
  }

  @Override
  public void add(Tensor addend, Tensor target) {
    for (long i = 0; i < target.shape().elements(); i++) {
      target.set(i, target.at(i) + addend.at(i));
    }
  }

  @Override
  public void selectRows(Tensor input, Tensor indices, Tensor output) {
    for (int r = 0; r < indices.rows(); r++) {
      output.row(r).data().copyFrom(input.row(indices.intAt(r)).data());
    }
  }

  @Override
  public List<SampleResult> sample(Tensor logits, List<SampleRow> rows) {
    List<SampleResult> results = new ArrayList<>(rows.size());
    for (int r = 0; r < rows.size(); r++) {
      results.add(LogitSampler.sample(logits.row(r), rows.get(r)));
    }
    return results;
  }

  @Override
  public void allReduce(List<Tensor> partials) {
    link.allReduce(partials, this::addElements);
  }

  /// `target = target + addend` for `elements` elements from byte `offset` on.
  void addElements(Tensor addend, Tensor target, long offset, long elements) {
    for (long i = offset / Float.BYTES; i < offset / Float.BYTES + elements; i++) {
      target.set(i, target.at(i) + addend.at(i));
    }
  }

  @Override
  public void gatherColumns(Tensor part, Tensor whole) {
    link.gatherColumns(part, whole);
  }
}

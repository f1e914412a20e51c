package io.sparkllama4.backend.cuda;

import io.sparkllama4.backend.AttentionSpec;
import io.sparkllama4.backend.BlockTables;
import io.sparkllama4.backend.KvLayer;
import io.sparkllama4.backend.StepTokens;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Tensor;

/// Attention over paged keys and values: sequences with one token share the device by splits of
/// their contexts, others by tiles of their tokens. The kernels give the same bits either way.
///
/// Queries and probabilities are bf16 in one term or two, keys and values as the cache has them.
final class CudaAttention {
  private static final int THREADS = 128;

  /// Positions of a split.
  private static final int SPLIT = 256;

  /// Rows of a tile of many tokens.
  private static final int TILE = 64;

  /// Most query heads that share a key head.
  private static final int MOST_GROUP = 16;

  /// Elements of the largest head, and what a head's elements are a multiple of.
  private static final int MOST_DIM = 128;

  private static final int DIM_UNIT = 8;

  /// Shared memory of a block of each kernel, in bytes: so many to an element of the kernel's head
  /// and, for caches of bf16 and e4m3, so many besides.
  private static final int DECODE_DIM_BYTES = 256;

  private static final int DECODE_BF16_BYTES = 4608;
  private static final int DECODE_E4M3_BYTES = 5632;
  private static final int PREFILL_DIM_BYTES = 512;
  private static final int PREFILL_BF16_BYTES = 2304;
  private static final int PREFILL_E4M3_BYTES = 3328;

  /// What the second terms of the queries take of it, to an element of the kernel's head.
  private static final int SECOND_TERM_BYTES = 128;

  private final KernelSet kernels;
  private final CudaStream stream;
  private final Scratch scratch;
  private final int terms;

  /// @param terms of brain floats that a query and a probability are made of, 1 or 2
  CudaAttention(KernelSet kernels, CudaStream stream, Scratch scratch, int terms) {
    this.kernels = kernels;
    this.stream = stream;
    this.scratch = scratch;
    this.terms = terms;
  }

  /// Why no kernel can do what `spec` asks; empty where one can.
  static String refusal(AttentionSpec spec) {
    int group = spec.heads() / spec.kvHeads();
    if (group > MOST_GROUP) {
      return "[" + group + "] query heads share a key head, at most [" + MOST_GROUP + "] can";
    }
    if (spec.headDim() > MOST_DIM || spec.headDim() % DIM_UNIT != 0) {
      return "heads of ["
          + spec.headDim()
          + "] elements; multiples of ["
          + DIM_UNIT
          + "] up to ["
          + MOST_DIM
          + "] can be";
    }
    return "";
  }

  private static void require(AttentionSpec spec) {
    String refusal = refusal(spec);
    if (!refusal.isEmpty()) {
      throw ErrorReport.of(
              ErrorCode.UNSUPPORTED_FEATURE, "The CUDA backend cannot attend with " + refusal)
          .key("--backend")
          .exception();
    }
  }

  /// As [io.sparkllama4.backend.Kernels#attend].
  ///
  /// @param packed the same in bf16; address 0 for none
  void attend(
      Tensor queries,
      StepTokens tokens,
      BlockTables tables,
      KvLayer cache,
      AttentionSpec spec,
      Tensor output,
      PackedRows packed) {
    require(spec);
    int count = tokens.count();
    int sequences = tokens.sequences();
    if (count == 0) {
      return;
    }
    int group = spec.heads() / spec.kvHeads();
    int splits = splits(tokens.longest(), spec.chunk());
    boolean isWide = cache.keys(0).dtype() == DType.BF16;
    int dim = dim(spec.headDim());
    String suffix = (isWide ? "bf16_" : "e4m3_") + dim;
    long floats = (long) sequences * spec.kvHeads() * splits * group * (spec.headDim() + 2L);
    long workspace = scratch.address(Scratch.Use.ATTENTION_SPLITS, Float.BYTES * floats);
    float scale = (float) (1 / Math.sqrt(spec.headDim()));
    Launch decode = begin("attend_decode_" + suffix, queries, tokens, tables, cache);
    shape(decode.pointer(workspace), sequences, tables, spec)
        .integer(group)
        .integer(splits)
        .real(scale)
        .integer(terms)
        .run(stream, spec.kvHeads(), sequences, splits, THREADS, decodeBytes(dim, isWide));
    kernels
        .of("attend_combine")
        .begin()
        .pointer(tokens.positions())
        .pointer(tokens.queryStarts())
        .pointer(workspace)
        .pointer(output)
        .pointer(packed.address())
        .integer((int) packed.stride())
        .integer(count)
        .integer(sequences)
        .integer(spec.heads())
        .integer(spec.kvHeads())
        .integer(spec.headDim())
        .integer(spec.chunk())
        .integer(group)
        .integer(splits)
        .run(stream, spec.kvHeads(), sequences + 1, 1, THREADS, 0);
    if (tokens.most() <= 1) {
      // No sequence has more rows than a decode tile takes.
      return;
    }
    Launch prefill = begin("attend_prefill_" + suffix, queries, tokens, tables, cache);
    prefill.pointer(output).pointer(packed.address()).integer((int) packed.stride());
    shape(prefill, sequences, tables, spec)
        .integer(group)
        .real(scale)
        .integer(terms)
        .run(
            stream,
            Math.toIntExact((long) count * group / TILE + sequences),
            spec.kvHeads(),
            1,
            THREADS,
            prefillBytes(dim, isWide));
  }

  /// Shared memory of a block of attend_decode.
  private int decodeBytes(int dim, boolean isWide) {
    return DECODE_DIM_BYTES * dim
        + (isWide ? DECODE_BF16_BYTES : DECODE_E4M3_BYTES)
        + secondTermBytes(dim);
  }

  /// Shared memory of a block of attend_prefill.
  private int prefillBytes(int dim, boolean isWide) {
    return PREFILL_DIM_BYTES * dim
        + (isWide ? PREFILL_BF16_BYTES : PREFILL_E4M3_BYTES)
        + secondTermBytes(dim);
  }

  private int secondTermBytes(int dim) {
    return terms == 1 ? 0 : SECOND_TERM_BYTES * dim;
  }

  /// The most splits that what one sequence sees can touch.
  private static int splits(int longest, int chunk) {
    int all = Math.ceilDiv(longest, SPLIT);
    return chunk == 0 ? all : Math.min(all, (chunk + 13) / SPLIT + 2);
  }

  /// The kernels' size of head.
  private static int dim(int headDim) {
    return Math.max(32, headDim <= 1 ? 1 : Integer.highestOneBit(headDim - 1) << 1);
  }

  private Launch begin(
      String kernel, Tensor queries, StepTokens tokens, BlockTables tables, KvLayer cache) {
    return kernels
        .of(kernel)
        .begin()
        .pointer(queries)
        .pointer(tokens.positions())
        .pointer(tokens.queryStarts())
        .pointer(cache.keys(0))
        .pointer(cache.values(0))
        .pointer(tables.starts())
        .pointer(tables.firstBlocks())
        .pointer(tables.blocks());
  }

  private static Launch shape(
      Launch launch, int sequences, BlockTables tables, AttentionSpec spec) {
    return launch
        .integer(sequences)
        .integer(spec.heads())
        .integer(spec.kvHeads())
        .integer(spec.headDim())
        .integer(tables.blockTokens())
        .integer(spec.chunk());
  }
}

/// Causal attention over paged keys and values: for each query, softmax(q . k / sqrt(D)) v over the positions of its
/// chunk up to its own.
///
/// T tokens, S sequences, Q query heads in K groups of G = Q / K, D elements of a head (a multiple of 8 up to 128; the
/// kernels' DIM is the next of 32, 64 and 128). Sequences with at most `decodeRows` rows (tokens * G) are taken by
/// attend_decode and attend_combine, the others by attend_prefill, each passing over those of the other: a mixed step
/// launches all three. No result depends on who takes a sequence.
///
/// What they are given alike:
///   queries       float32 [T, Q*D], 8-byte aligned; become bf16 after the product with `scale`, 1 / sqrt(D)
///   positions     i32 [T]; negative for padding, whose output is zeros
///   queryStarts   i32 [S + 1]
///   keys, values  the cache, bf16 or e4m3 [slots, K, D], 16-byte aligned; e4m3 caches end at a multiple of 16
///                 bytes
///   tableStarts   i32 [S + 1], firstBlocks i32 [S], blocks i32: as BlockTables has them, blockTokens positions
///                 to a block
///   chunk         tokens of an attention chunk, 0 for none
///   decodeRows    1 to 16; at least G where attend_prefill is not launched
///   terms         of bf16 that a query and a probability are made of, 1 or 2
#include "attention-rows.cuh"

/// What attend_decode leaves for attend_combine, float32: accumulators [S, K, splits, decodeRows, D], then best score
/// and sum [S, K, splits, decodeRows, 2].
struct Partials {
  float* accumulators;
  float* states;
  i64 base;  // row 0 of the first split, of the sequence and key head
  int decodeRows;
  int headDim;

  __device__ __forceinline__ Partials(float* workspace, const AttentionStep& step, int splits, int sequence, int kvHead)
      : accumulators(workspace),
        states(workspace +
               static_cast<i64>(step.sequences) * step.kvHeads * splits * step.decodeRows * step.headDim),
        base((static_cast<i64>(sequence) * step.kvHeads + kvHead) * splits * step.decodeRows),
        decodeRows(step.decodeRows), headDim(step.headDim) {}

  __device__ __forceinline__ float* accumulator(int split, int row) const {
    return accumulators + (base + static_cast<i64>(split) * decodeRows + row) * headDim;
  }
  __device__ __forceinline__ float* state(int split, int row) const {
    return states + (base + static_cast<i64>(split) * decodeRows + row) * 2;
  }
};

/// Output float32 [T, Q*D] and, unless null, bf16 [T, ld].
struct AttentionOutput {
  float* wide;
  bf16* narrow;
  int ld;

  /// Two columns of a head, `column` and the next of the token's row.
  __device__ __forceinline__ void store(const AttentionStep& step, i64 token, int column, float2 two) const {
    *reinterpret_cast<float2*>(wide + token * (step.heads * step.headDim) + column) = two;
    if (narrow != nullptr) {
      *reinterpret_cast<u32*>(narrow + token * ld + column) = packBf16(two.x, two.y);
    }
  }
};

/// One granule of a decode tile: each warp scores 8 of its keys for all rows, then, with everybody's scores, adds the
/// values' columns of its own.
template <int DIM>
INLINE void decodeGranule(float (&accumulators)[DIM / 32][4], SoftmaxState& state, const Queries<DIM>& queries,
                          const RowPair& rows, int granule, const bf16* keys, const bf16* values, float* exchange) {
  int warp = threadIdx.x / 32;
  int row = threadIdx.x % 32 / 4;
  int pair = 2 * (threadIdx.x % 4);
  float own[1][4];
  scoreKeys<DIM>(own, queries, keys, warp);
#pragma unroll
  for (int half = 0; half < 2; half++) {
    float* target = exchange + (row + 8 * half) * SCORE_STRIDE + 8 * warp + pair;
    *reinterpret_cast<float2*>(target) = make_float2(own[0][2 * half], own[0][2 * half + 1]);
  }
  syncThreads();
  float scores[KEY_TILES][4];
#pragma unroll
  for (int i = 0; i < 2 * KEY_TILES; i++) {
    int half = i % 2;
    float2 two = *reinterpret_cast<const float2*>(exchange + (row + 8 * half) * SCORE_STRIDE + 8 * (i / 2) + pair);
    scores[i / 2][2 * half] = two.x;
    scores[i / 2][2 * half + 1] = two.y;
  }
  Probabilities probabilities;
  probabilities.terms = queries.terms;
  float factor[2];
  state.add(scores, rows, granule, probabilities, factor);
  addValues<DIM>(accumulators, probabilities, factor, values, warp * (DIM / 32));
}

/// Leaves one split of a decode tile's rows in the workspace.
template <int DIM>
INLINE void storePartials(const Partials& partials, int split, int rows, const float (&accumulators)[DIM / 32][4],
                          const SoftmaxState& state) {
  int warp = threadIdx.x / 32;
  int pair = 2 * (threadIdx.x % 4);
#pragma unroll
  for (int half = 0; half < 2; half++) {
    int row = static_cast<int>(threadIdx.x) % 32 / 4 + 8 * half;
#pragma unroll
    for (int n = 0; n < DIM / 32; n++) {
      int column = 8 * (warp * (DIM / 32) + n) + pair;
      if (row < rows && column < partials.headDim) {
        *reinterpret_cast<float2*>(partials.accumulator(split, row) + column) =
            make_float2(accumulators[n][2 * half], accumulators[n][2 * half + 1]);
      }
    }
    if (threadIdx.x < 32 && pair == 0 && row < rows) {
      *reinterpret_cast<float2*>(partials.state(split, row)) = make_float2(state.best[half], state.sum[half]);
    }
  }
}

template <class T, int DIM>
INLINE void decodeSequence(u8* shared, const float* queries, const AttentionStep& step, const T* keys, const T* values,
                           float* workspace, int splits, float scale, int terms) {
  int kvHead = blockIdx.x;
  QueryTile tile{static_cast<int>(blockIdx.y), 0, step.rows(blockIdx.y)};
  if (tile.end > step.decodeRows) {
    return;
  }
  PositionRange range = visibleRange<DECODE_ROWS>(step, tile);
  int found = range.high < 0 ? 0 : min(range.lastSplit() - range.firstSplit() + 1, splits);
  int row = threadIdx.x % 32 / 4;
  RowPair rows(step, tile, row);
  u8* exchange = shared + GranuleLayout<T, DIM>::BYTES;
  Queries<DIM> own(exchange + SCORE_BYTES, terms);
  own.load(queries, step, tile, rows, kvHead, row, scale);
  GranuleStream<T, DIM> stream(shared, keys, values, step, tile.sequence, kvHead, range);
  Partials partials(workspace, step, splits, tile.sequence, kvHead);
  for (int split = blockIdx.z; split < found; split += gridDim.z) {
    int first = (range.firstSplit() + split) * GRANULES_PER_SPLIT;
    stream.begin(max(first, range.low / GRANULE), min(first + GRANULES_PER_SPLIT - 1, range.high / GRANULE));
    float accumulators[DIM / 32][4] = {};
    SoftmaxState state;
    state.clear();
    for (int i = 0; i < stream.count; i++) {
      stream.await(i);
      decodeGranule<DIM>(accumulators, state, own, rows, stream.firstGranule + i, stream.keyTile(i),
                         stream.valueTile(i), reinterpret_cast<float*>(exchange));
      stream.release(i);
    }
    storePartials<DIM>(partials, split, tile.end, accumulators, state);
  }
}

/// Finds the `number`-th tile of 64 rows among the sequences that are not decode's, the tiles of a sequence from its
/// last to its first: these take longest. All lanes of a warp take part and get the same; false where there are fewer
/// tiles.
INLINE bool findTile(const AttentionStep& step, int number, QueryTile& tile) {
  int lane = threadIdx.x % 32;
  for (int first = 0; first < step.sequences; first += 32) {
    int sequence = first + lane;
    int rows = sequence < step.sequences ? step.rows(sequence) : 0;
    int tiles = rows > step.decodeRows ? (rows + PREFILL_ROWS - 1) / PREFILL_ROWS : 0;
    int through = tiles;  // those of this lane's sequence and all before
    for (int distance = 1; distance < 32; distance *= 2) {
      int before = shuffle(through, max(lane - distance, 0));
      through += lane >= distance ? before : 0;
    }
    u32 behind = ballot(through > number);  // the lane that is sought, and all after it
    if (behind != 0) {
      int found = 32 - countBits(behind);
      tile.sequence = first + found;
      tile.first = (shuffle(through, found) - 1 - number) * PREFILL_ROWS;
      tile.end = shuffle(rows, found);
      return true;
    }
    number -= shuffle(through, 31);
  }
  return false;
}

/// The rows of one warp of a prefill tile. Totals over splits lie in shared memory, where each thread has places of its
/// own.
template <int DIM>
struct PrefillRows {
  /// Of a block's totals.
  static constexpr int TOTAL_BYTES = DIM / 2 * ATTEND_THREADS * 4;

  SoftmaxState state;
  SplitFold folds[2];
  float accumulators[DIM / 8][4];  // of the split
  float* totals;

  __device__ __forceinline__ explicit PrefillRows(float* shared) : totals(shared + threadIdx.x) {
    for (int i = 0; i < DIM / 2; i++) {
      totals[i * ATTEND_THREADS] = 0;
    }
    folds[0].clear();
    folds[1].clear();
    beginSplit();
  }

  __device__ __forceinline__ void beginSplit() {
    state.clear();
#pragma unroll
    for (int n = 0; n < DIM / 8; n++) {
#pragma unroll
      for (int i = 0; i < 4; i++) {
        accumulators[n][i] = 0;
      }
    }
  }

  __device__ __forceinline__ void endSplit() {
    folds[0].add(state.best[0], state.sum[0]);
    folds[1].add(state.best[1], state.sum[1]);
#pragma unroll
    for (int n = 0; n < DIM / 8; n++) {
#pragma unroll
      for (int i = 0; i < 4; i++) {
        float* total = totals + (4 * n + i) * ATTEND_THREADS;
        *total = folds[i / 2].fold(*total, accumulators[n][i]);
      }
    }
    beginSplit();
  }

  __device__ __forceinline__ void add(const Queries<DIM>& queries, const RowPair& rows, int granule, const bf16* keys,
                                      const bf16* values) {
    float scores[KEY_TILES][4];
    scoreKeys<DIM>(scores, queries, keys, 0);
    Probabilities probabilities;
    probabilities.terms = queries.terms;
    float factor[2];
    state.add(scores, rows, granule, probabilities, factor);
    addValues<DIM>(accumulators, probabilities, factor, values, 0);
  }

  __device__ __forceinline__ void store(const AttentionOutput& output, const AttentionStep& step, const QueryTile& tile,
                                        const RowPair& rows, int kvHead, int row) const {
    int pair = 2 * (static_cast<int>(threadIdx.x) % 4);
#pragma unroll
    for (int half = 0; half < 2; half++) {
      if (tile.first + row + 8 * half < tile.end) {
        int token = tile.token(step, row + 8 * half);
        int column = tile.head(step, kvHead, row + 8 * half) * step.headDim + pair;
        for (int n = 0; n < step.headDim / 8; n++) {
          const float* total = totals + (4 * n + 2 * half) * ATTEND_THREADS;
          float2 two = make_float2(folds[half].finish(total[0]), folds[half].finish(total[ATTEND_THREADS]));
          output.store(step, token, column + 8 * n, rows.last[half] >= 0 ? two : make_float2(0, 0));
        }
      }
    }
  }
};

/// Blocks of attend_prefill that a multiprocessor is to hold: a warp's tile of 16 rows of 128 needs more registers than
/// three leave.
constexpr int prefillBlocks(int dim) { return dim == 128 ? 2 : 3; }

template <class T, int DIM>
INLINE void prefillTile(u8* shared, const float* queries, const AttentionStep& step, const T* keys, const T* values,
                        const AttentionOutput& output, float scale, int terms) {
  int kvHead = blockIdx.y;
  QueryTile tile;
  if (!findTile(step, blockIdx.x, tile)) {
    return;
  }
  PositionRange range = visibleRange<PREFILL_ROWS>(step, tile);
  QueryTile warpTile{tile.sequence, tile.first + 16 * (static_cast<int>(threadIdx.x) / 32), tile.end};
  PositionRange warpRange = visibleRange<16>(step, warpTile);
  int row = threadIdx.x % 32 / 4;
  RowPair rows(step, warpTile, row);
  u8* totals = shared + GranuleLayout<T, DIM>::BYTES;
  Queries<DIM> own(totals + PrefillRows<DIM>::TOTAL_BYTES, terms);
  own.load(queries, step, warpTile, rows, kvHead, row, scale);
  GranuleStream<T, DIM> stream(shared, keys, values, step, tile.sequence, kvHead, range);
  PrefillRows<DIM> result(reinterpret_cast<float*>(totals));
  if (range.high >= 0) {
    stream.begin(range.low / GRANULE, range.high / GRANULE);
  }
  for (int i = 0; i < stream.count; i++) {
    int granule = stream.firstGranule + i;
    stream.await(i);
    if (granule >= warpRange.low / GRANULE && granule * GRANULE <= warpRange.high) {
      result.add(own, rows, granule, stream.keyTile(i), stream.valueTile(i));
    }
    if (granule % GRANULES_PER_SPLIT == GRANULES_PER_SPLIT - 1 || i == stream.count - 1) {
      result.endSplit();
    }
    stream.release(i);
  }
  result.store(output, step, warpTile, rows, kvHead, row);
}

/// attend_decode_CACHE_DIM: the splits of sequences with few rows, left in the workspace.
///
/// Grid (K, S, any number: blocks take splits z, z + gridDim.z, ...; surplus ones leave), 128 threads. `splits` is the
/// most splits of 256 positions, counted from position 0, that what a sequence of the step sees can touch: ceil(L /
/// 256) for contexts up to L, and with chunks no more than (chunk + 13) / 256 + 2. Workspace: S * K * splits *
/// decodeRows * (D + 2) floats, 16-byte aligned. Dynamic shared memory in bytes: 256 DIM + 4,608 for bf16, 256 DIM +
/// 5,632 for e4m3 (37,376 and 38,400 with DIM 128), and 128 DIM more with two terms (53,760 and 54,784).
///
/// attend_prefill_CACHE_DIM: tiles of 64 rows of the other sequences, each with its splits one after the other.
///
/// Grid (at least T * G / 64 + S, rounded down; surplus blocks leave, K), 128 threads. Dynamic shared memory in bytes:
/// 512 DIM + 2,304 for bf16, 512 DIM + 3,328 for e4m3 (67,840 and 68,864 with DIM 128), and 128 DIM more with two terms
/// (84,224 and 85,248). Output float32 [T, Q*D], 8-byte aligned, and, unless null, bf16 [T, ld], ld even, 4-byte
/// aligned.
#define ATTENTION_KERNELS(SUFFIX, CACHE, DIM)                                                                          \
  extern "C" __global__ void __launch_bounds__(ATTEND_THREADS, 3) attend_decode_##SUFFIX(                              \
      const float* queries, const i32* positions, const i32* queryStarts, const CACHE* keys, const CACHE* values,      \
      const i32* tableStarts, const i32* firstBlocks, const i32* blocks, float* workspace, int sequences, int heads,   \
      int kvHeads, int headDim, int blockTokens, int chunk, int decodeRows, int splits, float scale, int terms) {      \
    DYNAMIC_SHARED(u8, shared);                                                                                        \
    AttentionStep step{positions, queryStarts, tableStarts, firstBlocks, blocks,     sequences,                        \
                       heads,     kvHeads,     headDim,     blockTokens, chunk,      decodeRows};                      \
    decodeSequence<CACHE, DIM>(shared, queries, step, keys, values, workspace, splits, scale, terms);                  \
  }                                                                                                                    \
  EXPORT_KERNEL(attend_decode_##SUFFIX)                                                                                \
  extern "C" __global__ void __launch_bounds__(ATTEND_THREADS, prefillBlocks(DIM)) attend_prefill_##SUFFIX(            \
      const float* queries, const i32* positions, const i32* queryStarts, const CACHE* keys, const CACHE* values,      \
      const i32* tableStarts, const i32* firstBlocks, const i32* blocks, float* output, bf16* narrowOutput, int ld,    \
      int sequences, int heads, int kvHeads, int headDim, int blockTokens, int chunk, int decodeRows, float scale,     \
      int terms) {                                                                                                     \
    DYNAMIC_SHARED(u8, shared);                                                                                        \
    AttentionStep step{positions, queryStarts, tableStarts, firstBlocks, blocks,     sequences,                        \
                       heads,     kvHeads,     headDim,     blockTokens, chunk,      decodeRows};                      \
    prefillTile<CACHE, DIM>(shared, queries, step, keys, values, {output, narrowOutput, ld}, scale, terms);            \
  }                                                                                                                    \
  EXPORT_KERNEL(attend_prefill_##SUFFIX)

ATTENTION_KERNELS(bf16_32, bf16, 32)
ATTENTION_KERNELS(bf16_64, bf16, 64)
ATTENTION_KERNELS(bf16_128, bf16, 128)
ATTENTION_KERNELS(e4m3_32, e4m3, 32)
ATTENTION_KERNELS(e4m3_64, e4m3, 64)
ATTENTION_KERNELS(e4m3_128, e4m3, 128)

/// Puts together the splits of decode's sequences; padding of the step behind its last sequence becomes zeros here. A
/// sequence with more than `splits` splits becomes NaN.
///
/// Grid (K, S + 1), 128 threads, no dynamic shared memory; after attend_decode, with its workspace, `splits` and
/// `decodeRows`. `tokens` is T. Output float32 [T, Q*D], 16-byte aligned, and, unless null, bf16 [T, ld], ld even,
/// 4-byte aligned.
extern "C" __global__ void __launch_bounds__(ATTEND_THREADS)
    attend_combine(const i32* positions, const i32* queryStarts, float* workspace, float* output, bf16* narrowOutput,
                   int ld, int tokens, int sequences, int heads, int kvHeads, int headDim, int chunk, int decodeRows,
                   int splits) {
  AttentionStep step{positions, queryStarts, nullptr, nullptr, nullptr, sequences,
                     heads,     kvHeads,     headDim, 1,       chunk,   decodeRows};
  AttentionOutput target{output, narrowOutput, ld};
  int sequence = blockIdx.y;
  int kvHead = blockIdx.x;
  bool tail = sequence == sequences;
  int rows = tail ? (tokens - queryStarts[sequences]) * step.group() : step.rows(sequence);
  QueryTile tile{sequence, 0, rows};
  if (!tail && rows > decodeRows) {
    return;
  }
  PositionRange range = tail ? PositionRange{0, -1} : visibleRange<DECODE_ROWS>(step, tile);
  int count = range.high < 0 ? 0 : range.lastSplit() - range.firstSplit() + 1;
  Partials partials(workspace, step, splits, sequence, kvHead);
  for (int unit = threadIdx.x; unit < rows * (headDim / 2); unit += ATTEND_THREADS) {
    int row = unit / (headDim / 2);
    int column = unit % (headDim / 2) * 2;
    float2 two = make_float2(0, 0);
    if (!tail && tile.position(step, row) >= 0) {
      SplitFold fold;
      fold.clear();
      for (int split = 0; split < min(count, splits); split++) {
        float2 state = *reinterpret_cast<const float2*>(partials.state(split, row));
        float2 part = *reinterpret_cast<const float2*>(partials.accumulator(split, row) + column);
        fold.add(state.x, state.y);
        two = make_float2(fold.fold(two.x, part.x), fold.fold(two.y, part.y));
      }
      bool whole = count <= splits;
      float missing = floatOf(0x7fffffffu);
      two = make_float2(whole ? fold.finish(two.x) : missing, whole ? fold.finish(two.y) : missing);
    }
    target.store(step, tile.token(step, row), tile.head(step, kvHead, row) * headDim + column, two);
  }
}
EXPORT_KERNEL(attend_combine)

/// What a warp does with 16 rows of queries, two in each thread: their scores, the softmax, the sum of values; and how
/// the splits of a row come together. In the order of additions both kernels are alike.
///
/// With two terms a query or probability x is x1 + x2, exact to 2^-16: x1 is x rounded to bf16 and x2 is x - x1 rounded
/// to bf16. Keys and values are bf16 as they stand in the cache.
#pragma once

#include "attention.cuh"

/// Key blocks of 8 in a granule: columns of a tile of scores.
constexpr int KEY_TILES = GRANULE / 8;
/// Row stride, in elements, of a decode tile's scores in shared memory, and what these take.
constexpr int SCORE_STRIDE = GRANULE + 4;
constexpr int SCORE_BYTES = DECODE_ROWS * SCORE_STRIDE * 4;

/// The second terms of two values whose first are `pair`.
INLINE u32 restOf(u32 pair, float low, float high) { return packBf16(low - lowFloat(pair), high - highFloat(pair)); }

/// The two rows, `row` and `row + 8`, of which a thread has elements.
struct RowPair {
  int first[2];  // what each sees
  int last[2];   // -1 for nothing

  __device__ __forceinline__ RowPair(const AttentionStep& step, const QueryTile& tile, int row) {
#pragma unroll
    for (int half = 0; half < 2; half++) {
      last[half] = tile.position(step, row + 8 * half);
      first[half] = last[half] >= 0 ? step.firstVisible(last[half]) : 0;
    }
  }
};

/// Queries of rows `row` and `row + 8` times `scale` as the left operand of tensor cores, zeros beyond D: the values
/// rounded to bf16 and, with two terms, what that left of them, rounded as well.
template <int DIM>
struct Queries {
  /// Of a block's second terms: 16 bytes of each thread under those of the one before.
  static constexpr int SECOND_BYTES = DIM / 16 * ATTEND_THREADS * 16;

  u32 first[DIM / 16][4];
  u8* second;  // shared, the thread's own; untouched with one term
  int terms;

  __device__ __forceinline__ Queries(u8* shared, int termCount)
      : second(shared + 16 * threadIdx.x), terms(termCount) {}

  __device__ __forceinline__ u8* secondOf(int k) const { return second + 16 * ATTEND_THREADS * k; }

  __device__ __forceinline__ void load(const float* queries, const AttentionStep& step, const QueryTile& tile,
                                       const RowPair& rows, int kvHead, int row, float scale) {
    int pair = 2 * (static_cast<int>(threadIdx.x) % 4);
    const float* query[2];
#pragma unroll
    for (int half = 0; half < 2; half++) {
      i64 token = rows.last[half] >= 0 ? tile.token(step, row + 8 * half) : 0;
      query[half] = queries + (token * step.heads + tile.head(step, kvHead, row + 8 * half)) * step.headDim;
    }
#pragma unroll
    for (int k = 0; k < DIM / 16; k++) {
      u32 rest[4];
#pragma unroll
      for (int i = 0; i < 4; i++) {
        int column = 16 * k + 8 * (i / 2) + pair;
        float2 two = make_float2(0, 0);
        if (rows.last[i % 2] >= 0 && column < step.headDim) {
          two = *reinterpret_cast<const float2*>(query[i % 2] + column);
        }
        two = make_float2(two.x * scale, two.y * scale);
        first[k][i] = packBf16(two.x, two.y);
        rest[i] = restOf(first[k][i], two.x, two.y);
      }
      if (terms == 2) {
        storeShared16(secondOf(k), make_uint4(rest[0], rest[1], rest[2], rest[3]));
      }
    }
  }
};

/// Scores of 16 rows and TILES times 8 keys, from key 8 `tile` of a granule: after the first terms of 32 columns their
/// second ones, then the next 32.
template <int DIM, int TILES>
INLINE void scoreKeys(float (&scores)[TILES][4], const Queries<DIM>& queries, const bf16* keys, int tile) {
  constexpr int STRIDE = DIM + 8;
  int lane = threadIdx.x % 32;
  const bf16* row = keys + (8 * tile + lane % 8) * STRIDE + 8 * (lane / 8);
#pragma unroll
  for (int n = 0; n < TILES; n++) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
      scores[n][i] = 0;
    }
  }
#pragma unroll
  for (int k = 0; k < DIM / 16; k += 2) {
    u32 b[TILES][4];
#pragma unroll
    for (int n = 0; n < TILES; n++) {
      ldmatrix4(b[n], row + 8 * n * STRIDE + 16 * k);
      mma16816(scores[n], queries.first[k], b[n][0], b[n][1]);
      mma16816(scores[n], queries.first[k + 1], b[n][2], b[n][3]);
    }
    if (queries.terms == 2) {
      uint4 low = loadShared16(queries.secondOf(k));
      uint4 high = loadShared16(queries.secondOf(k + 1));
      u32 a[2][4] = {{low.x, low.y, low.z, low.w}, {high.x, high.y, high.z, high.w}};
#pragma unroll
      for (int n = 0; n < TILES; n++) {
        mma16816(scores[n], a[0], b[n][0], b[n][1]);
        mma16816(scores[n], a[1], b[n][2], b[n][3]);
      }
    }
  }
}

/// Probabilities of 16 rows and a granule's keys as the left operand of tensor cores, in as many terms as the queries.
struct Probabilities {
  u32 first[2][4];
  u32 second[2][4];  // undefined with one term
  int terms;
};

/// What is known of two rows within a split: the best score, and the sum of exp(score - best).
struct SoftmaxState {
  float best[2];
  float sum[2];

  __device__ __forceinline__ void clear() {
#pragma unroll
    for (int half = 0; half < 2; half++) {
      best[half] = -infinity();
      sum[half] = 0;
    }
  }

  /// Takes in the scores of one granule, masked here; gives the probabilities, whose terms are summed, and what the
  /// accumulators have to be multiplied by. Unseen keys have probability 0, and a granule without any seen key gives
  /// factors of 1, or of 0 while nothing has been seen.
  __device__ __forceinline__ void add(float (&scores)[KEY_TILES][4], const RowPair& rows, int granule,
                                      Probabilities& probabilities, float (&factor)[2]) {
    int position = granule * GRANULE + 2 * (static_cast<int>(threadIdx.x) % 4);
#pragma unroll
    for (int half = 0; half < 2; half++) {
      float highest = best[half];
#pragma unroll
      for (int i = 0; i < 2 * KEY_TILES; i++) {
        int key = position + 8 * (i / 2) + i % 2;
        float& score = scores[i / 2][2 * half + i % 2];
        score = key >= rows.first[half] && key <= rows.last[half] ? score : -infinity();
        highest = max(highest, score);
      }
      highest = max(highest, shuffleXor(highest, 1));
      highest = max(highest, shuffleXor(highest, 2));
      float origin = highest == -infinity() ? 0 : highest;
      factor[half] = expFloat(best[half] - origin);
      best[half] = highest;
      float added = 0;
#pragma unroll
      for (int i = 0; i < KEY_TILES; i++) {
        float low = expFloat(scores[i][2 * half] - origin);
        float high = expFloat(scores[i][2 * half + 1] - origin);
        u32 pair = packBf16(low, high);
        probabilities.first[i / 2][2 * (i % 2) + half] = pair;
        added += lowFloat(pair) + highFloat(pair);
        if (probabilities.terms == 2) {
          u32 rest = restOf(pair, low, high);
          probabilities.second[i / 2][2 * (i % 2) + half] = rest;
          added += lowFloat(rest) + highFloat(rest);
        }
      }
      added += shuffleXor(added, 1);
      added += shuffleXor(added, 2);
      sum[half] = sum[half] * factor[half] + added;
    }
  }
};

/// The products of addValues. A loop for each number of terms: a branch within one takes more registers than there are.
template <int TILES, int TERMS>
INLINE void addProducts(float (&accumulators)[TILES][4], const Probabilities& probabilities, const bf16* row) {
#pragma unroll
  for (int n = 0; n < TILES; n++) {
    u32 b[4];
    ldmatrix4Transposed(b, row + 8 * n);
    mma16816(accumulators[n], probabilities.first[0], b[0], b[1]);
    mma16816(accumulators[n], probabilities.first[1], b[2], b[3]);
    if (TERMS == 2) {
      mma16816(accumulators[n], probabilities.second[0], b[0], b[1]);
      mma16816(accumulators[n], probabilities.second[1], b[2], b[3]);
    }
  }
}

/// Adds probabilities times values to columns 8 `first` and up of 16 rows, after multiplying them by `factor`.
template <int DIM, int TILES>
INLINE void addValues(float (&accumulators)[TILES][4], const Probabilities& probabilities, const float (&factor)[2],
                      const bf16* values, int first) {
  // A product with 1 changes nothing, so that it may be left out.
  if (ballot(factor[0] != 1 || factor[1] != 1) != 0) {
#pragma unroll
    for (int n = 0; n < TILES; n++) {
#pragma unroll
      for (int i = 0; i < 4; i++) {
        accumulators[n][i] *= factor[i / 2];
      }
    }
  }
  const bf16* row = values + (threadIdx.x % 32) * (DIM + 8) + 8 * first;
  if (probabilities.terms == 2) {
    addProducts<TILES, 2>(accumulators, probabilities, row);
  } else {
    addProducts<TILES, 1>(accumulators, probabilities, row);
  }
}

/// The splits of one row, one after the other: total = total * old + split * fresh for the sum and each accumulator.
struct SplitFold {
  float best;
  float sum;
  float old;
  float fresh;

  __device__ __forceinline__ void clear() {
    best = -infinity();
    sum = 0;
  }
  __device__ __forceinline__ void add(float splitBest, float splitSum) {
    float highest = max(best, splitBest);
    float origin = highest == -infinity() ? 0 : highest;
    old = expFloat(best - origin);
    fresh = expFloat(splitBest - origin);
    best = highest;
    sum = fold(sum, splitSum);
  }
  __device__ __forceinline__ float fold(float total, float split) const { return total * old + split * fresh; }
  /// 0 is added so that a zero has one sign.
  __device__ __forceinline__ float finish(float total) const { return total / sum + 0.0f; }
};

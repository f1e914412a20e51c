/* Attention over paged keys and values, blocked with an online softmax. */
#include "kernels.h"

/* Keys of a tile; tiles begin at multiples of it, counted from a sequence's start, so that what is added to what does
 * not depend on how a prompt was cut. */
#define KEYS 32

/* Query rows (tokens times heads of a group) that meet a tile. */
#define MOST_ROWS 64

#define MOST_DIM 256

/* Where keys and values of one sequence lie: `blocks[p / block_tokens]` is the block of position p; a block's tokens follow
 * each other, `row` floats apart; a slab holds `slab_slots` tokens. */
typedef struct {
  const int32_t *blocks;
  const float *const *key_slabs;
  const float *const *value_slabs;
  int64_t block_tokens;
  int64_t slab_slots;
  int64_t row;
  int64_t head;
} paged;

INLINE int64_t slot_of(const paged *cache, int64_t position) {
  return (int64_t)cache->blocks[position / cache->block_tokens] * cache->block_tokens + position % cache->block_tokens;
}

typedef float v8f __attribute__((vector_size(32)));
typedef int32_t v8i __attribute__((vector_size(32)));

INLINE v8f load8(const float *address) {
  v8f value;
  memcpy(&value, address, sizeof value);
  return value;
}

/* Columns d to d + 7 of eight keys -> eight rows, 16 floats apart. */
INLINE void transpose8(const float *const *keys, int64_t d, float *target) {
  static const v8i low = {0, 8, 1, 9, 4, 12, 5, 13}, high = {2, 10, 3, 11, 6, 14, 7, 15};
  static const v8i first = {0, 1, 8, 9, 4, 5, 12, 13}, second = {2, 3, 10, 11, 6, 7, 14, 15};
  static const v8i near = {0, 1, 2, 3, 8, 9, 10, 11}, far = {4, 5, 6, 7, 12, 13, 14, 15};
  v8f pairs[8], fours[8];
  for (int i = 0; i < 8; i += 2) {
    v8f a = load8(keys[i] + d), b = load8(keys[i + 1] + d);
    pairs[i] = __builtin_shuffle(a, b, low);
    pairs[i + 1] = __builtin_shuffle(a, b, high);
  }
  for (int i = 0; i < 8; i += 4) {
    for (int j = 0; j < 2; j++) {
      fours[i + 2 * j] = __builtin_shuffle(pairs[i + j], pairs[i + 2 + j], first);
      fours[i + 2 * j + 1] = __builtin_shuffle(pairs[i + j], pairs[i + 2 + j], second);
    }
  }
  for (int i = 0; i < 4; i++) {
    v8f whole = __builtin_shuffle(fours[i], fours[i + 4], near);
    memcpy(target + i * PANEL, &whole, sizeof whole);
    whole = __builtin_shuffle(fours[i], fours[i + 4], far);
    memcpy(target + (i + 4) * PANEL, &whole, sizeof whole);
  }
}

/* Keys `from` up to `end` of the tile as [KEYS / 16][dim][16], values as [KEYS][dim]; zeros elsewhere. */
static void gather(const paged *cache, int64_t tile, int64_t from, int64_t end, int64_t dim, float *keys, float *values) {
  static const float nothing[MOST_DIM];
  for (int64_t at = 0; at < KEYS; at += 8) {
    const float *rows[8];
    for (int i = 0; i < 8; i++) {
      int64_t position = tile + at + i;
      float *value = values + (at + i) * dim;
      if (position < from || position >= end) {
        rows[i] = nothing;
        memset(value, 0, dim * 4);
        continue;
      }
      int64_t slot = slot_of(cache, position);
      int64_t offset = slot % cache->slab_slots * cache->row + cache->head;
      rows[i] = cache->key_slabs[slot / cache->slab_slots] + offset;
      memcpy(value, cache->value_slabs[slot / cache->slab_slots] + offset, dim * 4);
    }
    float *panel = keys + at / PANEL * dim * PANEL + at % PANEL;
    for (int64_t d = 0; d < dim; d += 8) transpose8(rows, d, panel + d * PANEL);
  }
}

/* scores [KEYS] of a row -> weights; returns the factor for what was added before. */
INLINE float soften(float *scores, int64_t first, int64_t last, float *most, float *sum) {
  static const int32_t numbers[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  float before = *most, now = before;
  vi number = load_ints(numbers), odd = {};
  vf largest = broadcast(-__builtin_inff());
  UNROLL for (int i = 0; i < KEYS; i += LANES) {
    vf score = load_floats(scores + i);
    vi outside = (number + i < (int32_t)first) | (number + i > (int32_t)last);
    score = select_floats(outside, broadcast(-__builtin_inff()), score);
    store_floats(scores + i, score);
    largest = max_floats(score, largest);
    odd |= score != score;
  }
  int32_t any = 0;
  for (int lane = 0; lane < LANES; lane++) {
    now = largest[lane] > now ? largest[lane] : now;
    any |= odd[lane];
  }
  if (any) now = __builtin_nanf("");
  vf total = {};
  UNROLL for (int i = 0; i < KEYS; i += LANES) {
    vf weight = exp_floats(load_floats(scores + i) - broadcast(now));
    store_floats(scores + i, weight);
    total += weight;
  }
  float added = 0;
  for (int lane = 0; lane < LANES; lane++) added += total[lane];
  float factor = 1;
  if (now != before) {
    vf one = exp_floats(broadcast(before - now));
    factor = one[0];
  }
  *sum = *sum * factor + added;
  *most = now;
  return factor;
}

/* sums[rows][dim] += weights[rows][KEYS] * values[KEYS][dim], 16 columns at a time. */
INLINE void add_values(const int rows, const float *weights, const float *values, int64_t dim, float *sums) {
  for (int64_t d = 0; d < dim; d += PANEL) {
    vf acc[6][VECTORS];
    UNROLL for (int m = 0; m < rows; m++)
      UNROLL for (int v = 0; v < VECTORS; v++) acc[m][v] = load_floats(sums + m * dim + d + v * LANES);
    for (int i = 0; i < KEYS; i++) {
      vf value[VECTORS];
      UNROLL for (int v = 0; v < VECTORS; v++) value[v] = load_floats(values + i * dim + d + v * LANES);
      UNROLL for (int m = 0; m < rows; m++) {
        vf weight = broadcast(weights[m * KEYS + i]);
        UNROLL for (int v = 0; v < VECTORS; v++) acc[m][v] = fma_floats(value[v], weight, acc[m][v]);
      }
    }
    UNROLL for (int m = 0; m < rows; m++)
      UNROLL for (int v = 0; v < VECTORS; v++) store_floats(sums + m * dim + d + v * LANES, acc[m][v]);
  }
}

/* Some queries of consecutive positions of one sequence, all query heads of one key head: softmax(q . k / sqrt(D)) v over
 * the positions from the start of the query's chunk (from 0 where `chunk` is 0) up to its own.
 *
 * queries, output: the first token's heads; `stride` floats from a token to the next. `dim` is a multiple of 16, at most
 * 256; tokens * group is at most 64. */
EXPORT void sl4_attend(const float *queries, float *output, int64_t stride, int64_t tokens, int64_t position,
                       int64_t group, int64_t dim, int64_t chunk, const int32_t *blocks, int64_t block_tokens,
                       const float *const *key_slabs, const float *const *value_slabs, int64_t slab_slots, int64_t row,
                       int64_t head) {
  paged cache = {blocks, key_slabs, value_slabs, block_tokens, slab_slots, row, head};
  _Alignas(64) float keys[KEYS * MOST_DIM], values[KEYS * MOST_DIM];
  _Alignas(64) float scaled[MOST_ROWS * MOST_DIM], sums[MOST_ROWS * MOST_DIM], scores[MOST_ROWS * KEYS];
  float most[MOST_ROWS], total[MOST_ROWS];
  int64_t rows = tokens * group;
  float scale = (float)(1 / __builtin_sqrt((double)dim));
  for (int64_t m = 0; m < rows; m++) {
    const float *query = queries + m / group * stride + m % group * dim;
    for (int64_t d = 0; d < dim; d++) scaled[m * dim + d] = query[d] * scale;
    most[m] = -__builtin_inff();
    total[m] = 0;
  }
  memset(sums, 0, rows * dim * 4);
  int64_t start = chunk > 0 ? position - position % chunk : 0;
  int64_t end = position + tokens;
  for (int64_t tile = start - start % KEYS; tile < end; tile += KEYS) {
    int64_t from = tile > start ? tile : start;
    gather(&cache, tile, from, min_i64(tile + KEYS, end), dim, keys, values);
    /* Rows before `low` lie before the tile; those behind `high` are in a later chunk. */
    int64_t low = tile > position ? (tile - position) * group : 0;
    int64_t high = rows;
    for (int64_t m = low; m < rows; m += group) {
      int64_t p = position + m / group;
      int64_t first = chunk > 0 ? p - p % chunk : 0;
      if (first >= tile + KEYS) {
        high = m;
        break;
      }
    }
    if (low >= high) continue;
    UNROLL for (int64_t p = 0; p < KEYS / PANEL; p++) {
      float_tiles(keys + p * dim * PANEL, dim, scaled + low * dim, dim, high - low, scores + low * KEYS + p * PANEL, KEYS, 0);
    }
    for (int64_t m = low; m < high; m++) {
      int64_t p = position + m / group;
      int64_t first = chunk > 0 ? p - p % chunk : 0;
      float factor = soften(scores + m * KEYS, first - tile, p - tile, most + m, total + m);
      if (factor != 1) {
        for (int64_t d = 0; d < dim; d++) sums[m * dim + d] *= factor;
      }
    }
    int64_t m = low;
    for (; m + 6 <= high; m += 6) add_values(6, scores + m * KEYS, values, dim, sums + m * dim);
    for (; m + 4 <= high; m += 4) add_values(4, scores + m * KEYS, values, dim, sums + m * dim);
    for (; m < high; m++) add_values(1, scores + m * KEYS, values, dim, sums + m * dim);
  }
  for (int64_t m = 0; m < rows; m++) {
    float *target = output + m / group * stride + m % group * dim;
    float inverse = 1 / total[m];
    for (int64_t d = 0; d < dim; d++) target[d] = sums[m * dim + d] * inverse;
  }
}

/* Products of 8-bit activations with 8-bit and 4-bit weights: exact integer sums, then the scales. */
#include "kernels.h"

#include <stddef.h>

/* Rows of the largest tile. */
#define MOST 8

/* Panels at most whose 4-bit weights are multiplied side by side, with the same broadcasts. */
#define SIDE 2

#ifdef SL4_PAIRS
#define ADD_PRODUCTS(sum, weights, inputs) ((sum) + multiply_byte_pairs(weights, inputs))
#else
#define ADD_PRODUCTS(sum, weights, inputs) dot4(sum, weights, inputs)
#endif

INLINE int64_t sum_groups(int kind, int64_t inputs) {
  int64_t group = kind == KIND_INT8_QUANTIZED ? SCALE_GROUP : SUM_GROUP;
  return round_up(inputs, 128) / group;
}

/* The bytes of a row of activations in front of its values. */
INLINE int64_t header_bytes(int kind, int64_t inputs) {
  int64_t groups = sum_groups(kind, inputs);
  if (kind == KIND_INT8_QUANTIZED) return round_up((int64_t)sizeof(quantized_group) * groups, 64);
  return (int64_t)sizeof(quantized_row) + round_up(4 * groups, 64);
}

EXPORT int64_t sl4_quantized_bytes(int kind, int64_t inputs) {
  return header_bytes(kind, inputs) + round_up(inputs, 128);
}

/* The largest magnitude of some inputs, and 0, or NaN where one of them is not finite. */
typedef struct {
  float most;
  float odd;
} span;

INLINE span span_of(const float *x, int64_t inputs) {
  vf most = (vf){}, odd = (vf){};
  int64_t i = 0;
  for (; i + LANES <= inputs; i += LANES) {
    vf value = load_floats(x + i);
    most = max_floats(most, (vf)((vi)value & 0x7fffffff));
    odd += value - value;
  }
  span all = {0, 0};
  for (int lane = 0; lane < LANES; lane++) {
    all.most = most[lane] > all.most ? most[lane] : all.most;
    all.odd += odd[lane];
  }
  for (; i < inputs; i++) {
    float magnitude = __builtin_fabsf(x[i]);
    all.most = magnitude > all.most ? magnitude : all.most;
    all.odd += x[i] - x[i];
  }
  return all;
}

/* Inputs so small that the inverse overflows count as 0. */
INLINE float inverse_of(float levels, float most) {
  float inverse = most > 0 ? levels / most : 0;
  return __builtin_isinf(inverse) ? 0 : inverse;
}

/* `count` integers, a multiple of the vector's: x * inverse to the nearest, ties to even; 0 from `inputs` on. */
INLINE void round_inputs(const float *x, int64_t inputs, float inverse, int count, int32_t *whole) {
  for (int j = 0; j < count; j += LANES) {
    vi rounded;
    if (j + LANES <= inputs) {
      rounded = round_floats(load_floats(x + j) * broadcast(inverse));
    } else {
      float part[LANES];
      for (int k = 0; k < LANES; k++) part[k] = j + k < inputs ? x[j + k] : 0;
      rounded = round_floats(load_floats(part) * broadcast(inverse));
    }
    memcpy(whole + j, &rounded, sizeof rounded);
  }
}

/* Inputs of 8-bit weights: 64 of them share a scale, max |x| / 64. */
static void quantize_groups(const float *x, int64_t inputs, uint8_t *target) {
  quantized_group *groups = (quantized_group *)target;
  int8_t *bytes = (int8_t *)(target + header_bytes(KIND_INT8_QUANTIZED, inputs));
  for (int64_t from = 0; from < round_up(inputs, 128); from += SCALE_GROUP, groups++) {
    int64_t some = from < inputs ? min_i64(SCALE_GROUP, inputs - from) : 0;
    span all = span_of(x + from, some);
    /* A NaN or an infinity among the inputs makes every output NaN, as it would without quantisation. */
    groups->scale = all.most / 64 + all.odd;
    int32_t whole[SCALE_GROUP], sum = 0;
    round_inputs(x + from, some, inverse_of(64, all.most), SCALE_GROUP, whole);
    for (int j = 0; j < SCALE_GROUP; j++) {
      bytes[from + j] = (int8_t)whole[j];
      sum += whole[j];
    }
#ifdef SL4_SIGNED
    groups->start = 0;
    (void)sum;
#else
    /* Sums of weights start from what takes the 128 out of the bytes again. */
    groups->start = -128 * sum;
#endif
  }
}

/* Inputs of 4-bit weights: x / scale rounded to the nearest integer, ties to even, with scale = max |x| / 127. */
static void quantize_row(const float *x, int64_t inputs, uint8_t *target) {
  span all = span_of(x, inputs);
  ((quantized_row *)target)->scale = all.most / 127 + all.odd;
  float inverse = inverse_of(127, all.most);
  int32_t *starts = (int32_t *)(target + sizeof(quantized_row));
  int8_t *bytes = (int8_t *)(target + header_bytes(KIND_INT4_QUANTIZED, inputs));
  for (int64_t from = 0; from < round_up(inputs, 128); from += SUM_GROUP) {
    int32_t whole[SUM_GROUP];
    round_inputs(x + from, inputs - from, inverse, SUM_GROUP, whole);
    /* Sums of weights start from what takes the 8 out of the nibbles again; pairs of bytes have a sum each. */
    int32_t even = 0, odd = 0;
    for (int j = 0; j < SUM_GROUP; j++) bytes[from + j] = (int8_t)whole[j];
    for (int j = 0; j < SUM_GROUP; j += 4) {
      even -= 8 * (whole[j] + whole[j + 1]);
      odd -= 8 * (whole[j + 2] + whole[j + 3]);
    }
#ifdef SL4_PAIRS
    starts[from / SUM_GROUP] = (int32_t)((uint32_t)(uint16_t)even | (uint32_t)odd << 16);
#else
    starts[from / SUM_GROUP] = even + odd;
#endif
  }
}

EXPORT void sl4_quantize(int kind, const float *x, int64_t x_stride, int64_t inputs, int64_t rows, uint8_t *target) {
  int64_t stride = sl4_quantized_bytes(kind, inputs);
  for (int64_t m = 0; m < rows; m++) {
    if (kind == KIND_INT8_QUANTIZED) {
      quantize_groups(x + m * x_stride, inputs, target + m * stride);
    } else {
      quantize_row(x + m * x_stride, inputs, target + m * stride);
    }
  }
}

INLINE float row_scale(const uint8_t *x, int64_t x_stride, int64_t m) {
  return ((const quantized_row *)(x + m * x_stride))->scale;
}

/* ---- 8-bit weights ---- */

/* sums += products of four inputs and their weights, for every row. */
INLINE void int8_words(const int rows, const int count, const uint8_t *w, int64_t stride, const uint8_t *values,
                       int64_t x_stride, vi sums[MOST][4][VECTORS]) {
  if (rows > 2) FETCH_AHEAD(w);
  UNROLL for (int p = 0; p < count; p++) {
    vi weights[VECTORS];
    UNROLL for (int v = 0; v < VECTORS; v++) weights[v] = weight_bytes(load_ints(w + p * stride + v * SL4_WIDTH));
    UNROLL for (int m = 0; m < rows; m++) {
      vi input = broadcast4(values + m * x_stride);
      UNROLL for (int v = 0; v < VECTORS; v++) {
#ifdef SL4_PAIRS
        /* Two products of at most 255 * 64 stay within 16 bits. */
        sums[m][p][v] += multiply_pairs((vi)multiply_byte_pairs(weights[v], input), (vi){} + 0x00010001);
#else
        sums[m][p][v] = dot4(sums[m][p][v], weights[v], input);
#endif
        if (rows > 3) NOW(sums[m][p][v]);
      }
    }
  }
}

INLINE void int8_tile(const int rows, const int count, panels weight, const uint8_t *x, int64_t x_stride, float *y,
                      int64_t y_stride) {
  const uint8_t *values = x + header_bytes(KIND_INT8_QUANTIZED, weight.inputs);
  const uint8_t *w = weight.values;
  int64_t stride = weight.apart * panel_bytes(KIND_INT8_QUANTIZED, weight.inputs, 0);
  vf totals[MOST][4][VECTORS];
  UNROLL for (int m = 0; m < rows; m++)
    UNROLL for (int p = 0; p < count; p++)
      UNROLL for (int v = 0; v < VECTORS; v++) totals[m][p][v] = (vf){};
  for (int64_t i = 0; i < weight.inputs; i += SCALE_GROUP, x += sizeof(quantized_group)) {
    vi sums[MOST][4][VECTORS];
    UNROLL for (int m = 0; m < rows; m++) {
      vi start = broadcast4(x + m * x_stride + offsetof(quantized_group, start));
      UNROLL for (int p = 0; p < count; p++)
        UNROLL for (int v = 0; v < VECTORS; v++) {
          sums[m][p][v] = start;
        }
    }
    _Pragma("GCC unroll 4") for (int j = 0; j < SCALE_GROUP / 4; j++, w += 4 * PANEL, values += 4) {
      int8_words(rows, count, w, stride, values, x_stride, sums);
    }
    UNROLL for (int m = 0; m < rows; m++) {
      vf scale = broadcast(((const quantized_group *)(x + m * x_stride))->scale);
      UNROLL for (int p = 0; p < count; p++)
        UNROLL for (int v = 0; v < VECTORS; v++)
          totals[m][p][v] = fma_floats(to_floats(sums[m][p][v]), scale, totals[m][p][v]);
    }
  }
  UNROLL for (int p = 0; p < count; p++) {
    const uint8_t *scales = weight.scales + p * weight.apart * 4 * PANEL;
    UNROLL for (int v = 0; v < VECTORS; v++) {
      vf scale = load_floats(scales + v * SL4_WIDTH);
      UNROLL for (int m = 0; m < rows; m++)
        store_floats(y + m * y_stride + p * weight.apart * PANEL + v * LANES, totals[m][p][v] * scale);
    }
  }
}

/* ---- 4-bit weights ---- */

/* The sums of 32 inputs' products with some vectors of `count` panels, for every row. Inputs go to all panels at once:
 * what broadcasts them is shared. */
INLINE void int4_sums(const int rows, const int count, const int width, const uint8_t *w, int64_t stride,
                      const uint8_t *values, const uint8_t *starts, int64_t x_stride,
                      vi totals[SIDE][MOST][VECTORS]) {
#ifdef SL4_PAIRS
  /* Eight sums of two products of at most 15 * 127, and what takes the offset out, end within 16 bits. */
  vs sums[SIDE][MOST][VECTORS];
#define START vs
#else
#define sums totals
#define START vi
#endif
  UNROLL for (int m = 0; m < rows; m++) {
    START start = (START)broadcast4(starts + m * x_stride);
    UNROLL for (int p = 0; p < count; p++)
      UNROLL for (int v = 0; v < width; v++) sums[p][m][v] = start;
  }
#undef START
  UNROLL for (int j = 0; j < SUM_GROUP / 8; j++) {
    UNROLL for (int p = 0; p < count; p++) {
      vi low[VECTORS], high[VECTORS];
      UNROLL for (int v = 0; v < width; v++) {
        vu word = load_words(w + p * stride + j * 4 * PANEL + v * SL4_WIDTH);
        low[v] = (vi)(word & 0x0f0f0f0fu);
        high[v] = (vi)((word >> 4) & 0x0f0f0f0fu);
      }
      UNROLL for (int m = 0; m < rows; m++) {
        vi first = broadcast4(values + m * x_stride + 8 * j);
        vi second = broadcast4(values + m * x_stride + 8 * j + 4);
        UNROLL for (int v = 0; v < width; v++) {
          sums[p][m][v] = ADD_PRODUCTS(sums[p][m][v], low[v], first);
          sums[p][m][v] = ADD_PRODUCTS(sums[p][m][v], high[v], second);
          NOW(sums[p][m][v]);
        }
      }
    }
  }
#ifdef SL4_PAIRS
  vi ones = (vi){} + 0x00010001;
  UNROLL for (int p = 0; p < count; p++)
    UNROLL for (int m = 0; m < rows; m++)
      UNROLL for (int v = 0; v < width; v++) totals[p][m][v] = multiply_pairs((vi)sums[p][m][v], ones);
#else
#undef sums
#endif
}

/* Some vectors of `count` panels, which are read side by side where there are few rows: streams that lie apart keep more of
 * the memory's lines on their way. */
INLINE void int4_vectors(const int rows, const int count, const int width, const int parts, panels weight, int v0,
                         const uint8_t *x, int64_t x_stride, float *y, int64_t y_stride) {
  const uint8_t *values = x + header_bytes(KIND_INT4_QUANTIZED, weight.inputs);
  const uint8_t *starts = x + sizeof(quantized_row);
  const uint8_t *w = weight.values + v0 * SL4_WIDTH;
  const uint8_t *scales = weight.scales + v0 * LANES * 2;
  int64_t groups = (weight.inputs + weight.group - 1) / weight.group;
  int64_t stride = weight.apart * groups * weight.group * PANEL / 2;
  int64_t scale_stride = weight.apart * groups * PANEL * 2;
  vf sums[4][MOST][VECTORS];
  UNROLL for (int p = 0; p < count; p++)
    UNROLL for (int m = 0; m < rows; m++)
      UNROLL for (int v = 0; v < width; v++) sums[p][m][v] = (vf){};
  for (int64_t g = 0; g < groups; g++, scales += 2 * PANEL) {
    UNROLL for (int p = 0; p < count; p += SIDE) {
      const int side = count - p < SIDE ? count - p : SIDE;
      vi totals[SIDE][MOST][VECTORS];
      UNROLL for (int part = 0; part < parts; part++) {
        if (rows > 2) {
          UNROLL for (int line = 0; line < 4; line++) FETCH_AHEAD(w + part * (SUM_GROUP / 8 * 4 * PANEL) + 64 * line);
        }
        vi some[SIDE][MOST][VECTORS];
        int4_sums(rows, side, width, w + p * stride + part * (SUM_GROUP / 8 * 4 * PANEL), stride,
                  values + part * SUM_GROUP, starts + 4 * part, x_stride, some);
        UNROLL for (int q = 0; q < side; q++)
          UNROLL for (int m = 0; m < rows; m++)
            UNROLL for (int v = 0; v < width; v++)
              totals[q][m][v] = part == 0 ? some[q][m][v] : totals[q][m][v] + some[q][m][v];
      }
      UNROLL for (int q = 0; q < side; q++) {
        UNROLL for (int v = 0; v < width; v++) {
          vf scale = widen_bfloat16(load_halves(scales + (p + q) * scale_stride + v * LANES * 2));
          UNROLL for (int m = 0; m < rows; m++)
            sums[p + q][m][v] = fma_floats(to_floats(totals[q][m][v]), scale, sums[p + q][m][v]);
        }
      }
    }
    w += parts * (SUM_GROUP / 8 * 4 * PANEL);
    values += parts * SUM_GROUP;
    starts += 4 * parts;
  }
  UNROLL for (int m = 0; m < rows; m++) {
    vf scale = broadcast(row_scale(x, x_stride, m));
    UNROLL for (int p = 0; p < count; p++)
      UNROLL for (int v = 0; v < width; v++)
        store_floats(y + m * y_stride + p * weight.apart * PANEL + (v0 + v) * LANES, sums[p][m][v] * scale);
  }
}

INLINE void int4_tile(const int rows, const int count, const int width, panels weight, const uint8_t *x, int64_t x_stride,
                      float *y, int64_t y_stride) {
  UNROLL for (int v = 0; v < VECTORS; v += width) {
    if (weight.group == SUM_GROUP) {
      int4_vectors(rows, count, width, 1, weight, v, x, x_stride, y, y_stride);
    } else {
      int4_vectors(rows, count, width, 4, weight, v, x, x_stride, y, y_stride);
    }
  }
}

/* ---- Any number of rows and outputs ---- */

INLINE void tile(const int kind, const int rows, panels weight, const uint8_t *x, int64_t x_stride, float *y,
                 int64_t y_stride) {
  if (kind == KIND_INT8_QUANTIZED) {
    int8_tile(rows, 1, weight, x, x_stride, y, y_stride);
  } else {
    int4_tile(rows, 1, VECTORS, weight, x, x_stride, y, y_stride);
  }
}

/* One panel, in tiles of about as many rows each: a tile of one row unpacks the weights for itself alone. */
INLINE void tiles(const int kind, panels weight, const uint8_t *x, int64_t x_stride, int64_t rows, float *y,
                  int64_t y_stride) {
  const int most = SL4_WIDTH == 64 ? 8 : 4;
  int64_t count = (rows + most - 1) / most;
  for (int64_t i = 0; i < count; i++) {
    int64_t m = i * rows / count;
    const uint8_t *input = x + m * x_stride;
    float *output = y + m * y_stride;
    switch ((i + 1) * rows / count - m) {
#define TILE(n) case n: tile(kind, n, weight, input, x_stride, output, y_stride); break;
      TILE(1)
      TILE(2)
      TILE(3)
      TILE(4)
#if SL4_WIDTH == 64
      TILE(5)
      TILE(6)
      TILE(7)
      TILE(8)
#endif
#undef TILE
    }
  }
}

INLINE void product(const int kind, panels weight, int64_t outputs, const uint8_t *x, int64_t x_stride, int64_t rows,
                    float *y, int64_t y_stride) {
  int64_t value_stride = panel_bytes(kind, weight.inputs, weight.group);
  int64_t scale_stride = panel_scale_bytes(kind, weight.inputs, weight.group);
  if (rows <= 2) {
    int64_t streams = outputs / (4 * PANEL);
    weight.apart = streams;
    for (int64_t i = 0; i < streams; i++, y += PANEL) {
      if (kind == KIND_INT8_QUANTIZED && rows == 1) {
        int8_tile(1, 4, weight, x, x_stride, y, y_stride);
      } else if (kind == KIND_INT8_QUANTIZED) {
        panels next = weight;
        next.values += 2 * streams * value_stride;
        next.scales += 2 * streams * scale_stride;
        int8_tile(2, 2, weight, x, x_stride, y, y_stride);
        int8_tile(2, 2, next, x, x_stride, y + 2 * streams * PANEL, y_stride);
      } else if (rows == 1) {
        int4_tile(1, 4, VECTORS, weight, x, x_stride, y, y_stride);
      } else {
        panels next = weight;
        next.values += 2 * streams * value_stride;
        next.scales += 2 * streams * scale_stride;
        int4_tile(2, 2, VECTORS, weight, x, x_stride, y, y_stride);
        int4_tile(2, 2, VECTORS, next, x, x_stride, y + 2 * streams * PANEL, y_stride);
      }
      weight.values += value_stride;
      weight.scales += scale_stride;
    }
    weight.apart = 1;
    weight.values += 3 * streams * value_stride;
    weight.scales += 3 * streams * scale_stride;
    y += 3 * streams * PANEL;
    outputs -= 4 * streams * PANEL;
  }
  for (; outputs >= PANEL; outputs -= PANEL, y += PANEL, weight.values += value_stride, weight.scales += scale_stride) {
    tiles(kind, weight, x, x_stride, rows, y, y_stride);
  }
  if (outputs > 0) {
    _Alignas(64) float part[4 * PANEL];
    for (int64_t m = 0; m < rows; m += 4) {
      int64_t some = min_i64(4, rows - m);
      tiles(kind, weight, x + m * x_stride, x_stride, some, part, PANEL);
      for (int64_t r = 0; r < some; r++) memcpy(y + (m + r) * y_stride, part + r * PANEL, outputs * 4);
    }
  }
}

void int8_product(panels weight, int64_t outputs, const uint8_t *x, int64_t x_stride, int64_t rows, float *y,
                  int64_t y_stride) {
  product(KIND_INT8_QUANTIZED, weight, outputs, x, x_stride, rows, y, y_stride);
}

void int4_product(panels weight, int64_t outputs, const uint8_t *x, int64_t x_stride, int64_t rows, float *y,
                  int64_t y_stride) {
  product(KIND_INT4_QUANTIZED, weight, outputs, x, x_stride, rows, y, y_stride);
}

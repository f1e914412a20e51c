/* What the library exports. Every sum is taken in an order that the weights' shapes alone decide: no result depends on
 * the number of rows, sequences or threads.
 *
 * A matrix [outputs, inputs] lies in panels of 16 outputs; the values of one panel follow each other:
 *   F32   [inputs][16]             floats
 *   F16   [inputs][16]             IEEE half precision
 *   BF16  [inputs / 2][16][2]      brain floats, two inputs side by side
 *   FP8   [inputs][16]             E4M3 bytes; scales [16] floats per panel
 *   INT8  [inputs / 4][16][4]      bytes, plus 128; scales [16] floats per panel
 *   INT4  [inputs / 8][16] words   input i of eight in the low (i < 4) or high nibble of byte i % 4, plus 8; per panel
 *                                  scales [groups][16]
 * Inputs that lack to a whole pair or group (of 64 for INT8) are zeros. */
#ifndef SPARK_LLAMA4_KERNELS_H
#define SPARK_LLAMA4_KERNELS_H

#include "vectors.h"

enum kind {
  KIND_F32 = 0,
  KIND_BF16 = 1,
  KIND_F16 = 2,
  KIND_FP8 = 3,
  KIND_INT4_BF16 = 4,        /* float activations, brain float scales */
  KIND_INT4_F32 = 5,         /* float activations, float scales */
  KIND_INT8_QUANTIZED = 6,   /* 8-bit activations */
  KIND_INT4_QUANTIZED = 7    /* 8-bit activations, brain float scales */
};

/* A run of panels of a matrix. */
typedef struct {
  const uint8_t *values;
  const uint8_t *scales;
  int64_t inputs;
  int64_t group;
  int64_t apart; /* from a panel to the next that is read beside it, in panels */
} panels;

/* Bytes from which the memory's lines are asked for in advance where one panel is read at a time: one stream of the
 * processor's own reading ahead does not keep the memory busy. */
#define FETCH_AHEAD(address) __builtin_prefetch((address) + 4096, 0, 2)

/* Inputs whose products are added in one chain; the sums of such blocks are added in turn. */
#define BLOCK 256

void float_product(int kind, panels weight, int64_t outputs, const float *x, int64_t x_stride, int64_t rows, float *y,
                   int64_t y_stride);
void int8_product(panels weight, int64_t outputs, const uint8_t *x, int64_t x_stride, int64_t rows, float *y,
                  int64_t y_stride);
void int4_product(panels weight, int64_t outputs, const uint8_t *x, int64_t x_stride, int64_t rows, float *y,
                  int64_t y_stride);

/* Bytes of the values, and of the scales, of one panel. */
int64_t panel_bytes(int kind, int64_t inputs, int64_t group);
int64_t panel_scale_bytes(int kind, int64_t inputs, int64_t group);

/* sum over 256 inputs at a time: y[rows][16 * count] (+)= x[rows][length] * panels of floats [length][16]. */
void float_tiles(const float *w, int64_t length, const float *x, int64_t x_stride, int64_t rows, float *y, int64_t y_stride,
                 int adds);

/* A row of activations for INT8: one of these for every 64 of them, then the values, -64 to 64: so two products with
 * unsigned bytes stay within 16 bits. */
typedef struct {
  float scale;
  int32_t start; /* what sums of products start from */
} quantized_group;

#define SCALE_GROUP 64

/* A row of activations for INT4: this header, then what sums of every 32 of them start from, then the values. */
typedef struct {
  float scale;
  int32_t reserved[15];
} quantized_row;

#define SUM_GROUP 32

INLINE int64_t round_up(int64_t value, int64_t unit) { return (value + unit - 1) / unit * unit; }

INLINE int64_t min_i64(int64_t a, int64_t b) { return a < b ? a : b; }

INLINE vf exp_floats(vf x) {
  /* e^r 2^n with |r| <= ln 2 / 2 and the Taylor polynomial of degree 7; below -87.3 it is 0. */
  vf least = broadcast(-87.3f);
  vf bounded = max_floats(min_floats(x, broadcast(88.7f)), least);
  vf rounder = broadcast(0x1.8p23f);
  vf n = (bounded * broadcast(1.44269504f) + rounder) - rounder;
  vf r = fma_floats(n, broadcast(-0x1.63p-1f), bounded);
  r = fma_floats(n, broadcast(2.12194440e-4f), r);
  vf p = broadcast(1.0f / 5040);
  p = fma_floats(p, r, broadcast(1.0f / 720));
  p = fma_floats(p, r, broadcast(1.0f / 120));
  p = fma_floats(p, r, broadcast(1.0f / 24));
  p = fma_floats(p, r, broadcast(1.0f / 6));
  p = fma_floats(p, r, broadcast(0.5f));
  p = fma_floats(p, r, broadcast(1.0f));
  p = fma_floats(p, r, broadcast(1.0f));
  vi exponent = __builtin_convertvector(n, vi);
  vi half = exponent >> 1;
  vf scaled = p * (vf)((half + 127) << 23) * (vf)((exponent - half + 127) << 23);
  /* A comparison with NaN is false: NaN passes through. */
  return select_floats(x < least, broadcast(0), select_floats(x == x, scaled, x));
}

#endif

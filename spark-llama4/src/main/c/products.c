/* Products of float activations with weights of any width. */
#include "kernels.h"

/* Rows that meet a panel at once: as many accumulators as leave registers for weights and a broadcast. */
#if SL4_WIDTH == 64
#define TILE 12
#else
#define TILE 6
#endif

/* Rows up to which brain floats are widened in registers, for every tile anew. */
#define DIRECT_ROWS 12

/* Inputs that are unpacked at a time where few rows meet several panels. */
#define SLICE 64

INLINE void finish(const int rows, const int count, int64_t apart, vf sums[TILE][4][VECTORS], float *y, int64_t y_stride,
                   int adds) {
  UNROLL for (int m = 0; m < rows; m++) {
    UNROLL for (int p = 0; p < count; p++) {
      UNROLL for (int v = 0; v < VECTORS; v++) {
        float *at = y + m * y_stride + p * apart * PANEL + v * LANES;
        store_floats(at, adds ? load_floats(at) + sums[m][p][v] : sums[m][p][v]);
      }
    }
  }
}

/* One block of `count` panels of brain floats with `rows` rows. */
INLINE void bfloat16_block(const int rows, const int count, panels weight, int64_t first, int64_t length, const float *x,
                           int64_t x_stride, float *y, int64_t y_stride) {
  const uint8_t *w = weight.values + 2 * PANEL * first;
  int64_t panel_stride = weight.apart * panel_bytes(KIND_BF16, weight.inputs, 0);
  vf sums[TILE][4][VECTORS];
  UNROLL for (int m = 0; m < rows; m++)
    UNROLL for (int p = 0; p < count; p++)
      UNROLL for (int v = 0; v < VECTORS; v++) sums[m][p][v] = (vf){};
  int64_t pairs = length / 2;
  _Pragma("GCC unroll 2") for (int64_t pair = 0; pair < pairs; pair++, w += 4 * PANEL, x += 2) {
    if (rows > 2) {
      UNROLL for (int p = 0; p < count; p++) FETCH_AHEAD(w + p * panel_stride);
    }
    UNROLL for (int p = 0; p < count; p++) {
      vu words[VECTORS];
      UNROLL for (int v = 0; v < VECTORS; v++) words[v] = load_words(w + p * panel_stride + v * SL4_WIDTH);
      UNROLL for (int m = 0; m < rows; m++) {
        vf first = broadcast(x[m * x_stride]);
        UNROLL for (int v = 0; v < VECTORS; v++) {
          sums[m][p][v] = fma_floats((vf)(words[v] << 16), first, sums[m][p][v]);
          if (rows > 2) NOW(sums[m][p][v]);
        }
      }
      UNROLL for (int m = 0; m < rows; m++) {
        vf second = broadcast(x[m * x_stride + 1]);
        UNROLL for (int v = 0; v < VECTORS; v++) {
          sums[m][p][v] = fma_floats((vf)(words[v] & 0xffff0000u), second, sums[m][p][v]);
          if (rows > 2) NOW(sums[m][p][v]);
        }
      }
    }
  }
  if (length % 2 > 0) {
    UNROLL for (int p = 0; p < count; p++)
      UNROLL for (int v = 0; v < VECTORS; v++) {
        vf last = (vf)(load_words(w + p * panel_stride + v * SL4_WIDTH) << 16);
        UNROLL for (int m = 0; m < rows; m++) sums[m][p][v] = fma_floats(last, broadcast(x[m * x_stride]), sums[m][p][v]);
      }
  }
  finish(rows, count, weight.apart, sums, y, y_stride, first > 0);
}

INLINE void bfloat16_rows(const int rows, const int count, panels weight, const float *x, int64_t x_stride, float *y,
                          int64_t y_stride) {
  for (int64_t i = 0; i < weight.inputs; i += BLOCK) {
    bfloat16_block(rows, count, weight, i, min_i64(BLOCK, weight.inputs - i), x + i, x_stride, y, y_stride);
  }
}

/* sums += x * panels of floats, of which those of one panel stand `panel_stride` floats from those of the next. */
INLINE void float_chain(const int rows, const int count, const float *w, int64_t panel_stride, int64_t length,
                        const float *x, int64_t x_stride, vf sums[TILE][4][VECTORS]) {
  for (int64_t i = 0; i < length; i++, w += PANEL) {
    UNROLL for (int p = 0; p < count; p++) {
      vf weights[VECTORS];
      UNROLL for (int v = 0; v < VECTORS; v++) weights[v] = load_floats(w + p * panel_stride + v * LANES);
      UNROLL for (int m = 0; m < rows; m++) {
        vf input = broadcast(x[m * x_stride + i]);
        UNROLL for (int v = 0; v < VECTORS; v++) sums[m][p][v] = fma_floats(weights[v], input, sums[m][p][v]);
      }
    }
  }
}

INLINE void float_tile(const int rows, const float *w, int64_t length, const float *x, int64_t x_stride, float *y,
                       int64_t y_stride, int adds) {
  vf sums[TILE][4][VECTORS];
  UNROLL for (int m = 0; m < rows; m++)
    UNROLL for (int v = 0; v < VECTORS; v++) sums[m][0][v] = (vf){};
  float_chain(rows, 1, w, 0, length, x, x_stride, sums);
  finish(rows, 1, 1, sums, y, y_stride, adds);
}

void float_tiles(const float *w, int64_t length, const float *x, int64_t x_stride, int64_t rows, float *y, int64_t y_stride,
                 int adds) {
  int64_t m = 0;
#define TILES(n)                                                                                                \
  for (; m + n <= rows; m += n) float_tile(n, w, length, x + m * x_stride, x_stride, y + m * y_stride, y_stride, adds);
#if TILE == 12
  TILES(12)
#endif
  TILES(6)
  TILES(4)
  TILES(3)
  TILES(2)
  TILES(1)
#undef TILES
}

/* E4M3 by multiplication: the exponent moves from bias 7 to bias 127. NaN codes were refused or made NaN scales. */
INLINE vf widen_float8(const uint8_t *bytes) {
  vu bits = __builtin_convertvector(load_bytes(bytes), vu);
  vf magnitude = (vf)((bits & 0x7f) << 20) * broadcast(0x1p120f);
  return (vf)((vu)magnitude | ((bits & 0x80) << 24));
}

INLINE vf group_scale(int kind, const uint8_t *scales, int64_t group, int v) {
  return kind == KIND_INT4_BF16 ? widen_bfloat16(load_halves(scales + (group * PANEL + v * LANES) * 2))
                                : load_floats(scales + (group * PANEL + v * LANES) * 4);
}

/* Inputs `first` up to `first + length` of a panel as floats [length][16]. */
INLINE void unpack(const int kind, panels weight, const uint8_t *values, const uint8_t *scales, int64_t first,
                   int64_t length, float *target) {
  for (int64_t i = first; i < first + length; i++, target += PANEL) {
    UNROLL for (int v = 0; v < VECTORS; v++) {
      vf value;
      if (kind == KIND_BF16) {
        vu word = load_words(values + (i / 2) * 4 * PANEL + v * SL4_WIDTH);
        value = (vf)(i % 2 == 0 ? word << 16 : word & 0xffff0000u);
      } else if (kind == KIND_F16) {
        value = widen_float16(values + 2 * (i * PANEL + v * LANES));
      } else if (kind == KIND_FP8) {
        value = widen_float8(values + i * PANEL + v * LANES) * load_floats(scales + 4 * v * LANES);
      } else {
        int within = (int)(i % 8);
        int shift = 8 * (within % 4) + 4 * (within / 4);
        vu word = load_words(values + (i / 8) * 4 * PANEL + v * SL4_WIDTH);
        vi nibble = (vi)((word >> shift) & 15u) - 8;
        value = to_floats(nibble) * group_scale(kind, scales, i / weight.group, v);
      }
      store_floats(target + v * LANES, value);
    }
  }
}

static void unpack_panel(int kind, panels weight, const uint8_t *values, const uint8_t *scales, int64_t first,
                         int64_t length, float *target) {
  switch (kind) {
    case KIND_BF16: unpack(KIND_BF16, weight, values, scales, first, length, target); break;
    case KIND_F16: unpack(KIND_F16, weight, values, scales, first, length, target); break;
    case KIND_FP8: unpack(KIND_FP8, weight, values, scales, first, length, target); break;
    case KIND_INT4_BF16: unpack(KIND_INT4_BF16, weight, values, scales, first, length, target); break;
    default: unpack(KIND_INT4_F32, weight, values, scales, first, length, target); break;
  }
}

/* Few rows with `count` panels at once: enough independent chains to hide the latency of a multiply-add. */
INLINE void unpacked_rows(int kind, const int rows, const int count, panels weight, const float *x, int64_t x_stride, float *y,
                          int64_t y_stride) {
  _Alignas(64) float slice[count * SLICE * PANEL];
  int64_t value_stride = weight.apart * panel_bytes(kind, weight.inputs, weight.group);
  int64_t scale_stride = weight.apart * panel_scale_bytes(kind, weight.inputs, weight.group);
  for (int64_t block = 0; block < weight.inputs; block += BLOCK) {
    int64_t end = min_i64(weight.inputs, block + BLOCK);
    vf sums[TILE][4][VECTORS];
    UNROLL for (int m = 0; m < rows; m++)
      UNROLL for (int p = 0; p < count; p++)
        UNROLL for (int v = 0; v < VECTORS; v++) sums[m][p][v] = (vf){};
    for (int64_t i = block; i < end; i += SLICE) {
      int64_t length = min_i64(SLICE, end - i);
      for (int p = 0; p < count; p++) {
        unpack_panel(kind, weight, weight.values + p * value_stride, weight.scales + p * scale_stride, i, length,
                     slice + p * SLICE * PANEL);
      }
      float_chain(rows, count, slice, SLICE * PANEL, length, x + i, x_stride, sums);
    }
    finish(rows, count, weight.apart, sums, y, y_stride, block > 0);
  }
}

/* Floats need no unpacking. */
INLINE void float_rows(const int rows, const int count, panels weight, const float *x, int64_t x_stride, float *y,
                       int64_t y_stride) {
  for (int64_t i = 0; i < weight.inputs; i += BLOCK) {
    vf sums[TILE][4][VECTORS];
    UNROLL for (int m = 0; m < rows; m++)
      UNROLL for (int p = 0; p < count; p++)
        UNROLL for (int v = 0; v < VECTORS; v++) sums[m][p][v] = (vf){};
    float_chain(rows, count, (const float *)weight.values + i * PANEL, weight.apart * weight.inputs * PANEL,
                min_i64(BLOCK, weight.inputs - i), x + i, x_stride, sums);
    finish(rows, count, weight.apart, sums, y, y_stride, i > 0);
  }
}

/* One panel with any number of rows. */
static void panel_rows(int kind, panels weight, const float *x, int64_t x_stride, int64_t rows, float *y, int64_t y_stride) {
  _Alignas(64) float block[BLOCK * PANEL];
  for (int64_t i = 0; i < weight.inputs; i += BLOCK) {
    int64_t length = min_i64(BLOCK, weight.inputs - i);
    const float *w = block;
    if (kind == KIND_F32) {
      w = (const float *)weight.values + i * PANEL;
    } else {
      unpack_panel(kind, weight, weight.values, weight.scales, i, length, block);
    }
    float_tiles(w, length, x + i, x_stride, rows, y, y_stride, i > 0);
  }
}

/* `count` whole panels with one or two rows. */
INLINE void few(int kind, const int rows, const int count, panels weight, const float *x, int64_t x_stride, float *y,
                int64_t y_stride) {
  if (kind == KIND_BF16) {
    bfloat16_rows(rows, count, weight, x, x_stride, y, y_stride);
  } else if (kind == KIND_F32) {
    float_rows(rows, count, weight, x, x_stride, y, y_stride);
  } else {
    unpacked_rows(kind, rows, count, weight, x, x_stride, y, y_stride);
  }
}

/* Panels that so few rows should meet at once. */
INLINE int panels_at_once(int kind, int64_t rows) {
  return rows == 1 ? 4 : rows == 2 || (kind == KIND_BF16 && rows == 3) ? 2 : 1;
}

/* A panel of brain floats with up to DIRECT_ROWS rows, at most four at a time: more would not fit the registers beside the
 * widened weights, and widening again costs less than a way through memory. All rows pass a block while it is in the first
 * cache. */
static void bfloat16_panel(panels weight, const float *x, int64_t x_stride, int64_t rows, float *y, int64_t y_stride) {
  int64_t tiles = (rows + 3) / 4;
  for (int64_t i = 0; i < weight.inputs; i += BLOCK) {
    int64_t length = min_i64(BLOCK, weight.inputs - i);
    for (int64_t tile = 0; tile < tiles; tile++) {
      int64_t m = tile * rows / tiles;
      const float *input = x + m * x_stride + i;
      float *output = y + m * y_stride;
      switch ((tile + 1) * rows / tiles - m) {
        case 1: bfloat16_block(1, 1, weight, i, length, input, x_stride, output, y_stride); break;
        case 2: bfloat16_block(2, 1, weight, i, length, input, x_stride, output, y_stride); break;
        case 3: bfloat16_block(3, 1, weight, i, length, input, x_stride, output, y_stride); break;
        default: bfloat16_block(4, 1, weight, i, length, input, x_stride, output, y_stride); break;
      }
    }
  }
}

static void whole_panels(int kind, int64_t count, panels weight, const float *x, int64_t x_stride, int64_t rows, float *y,
                         int64_t y_stride) {
  if (count == 4 && rows == 1) {
    few(kind, 1, 4, weight, x, x_stride, y, y_stride);
  } else if (count == 2 && rows == 2) {
    few(kind, 2, 2, weight, x, x_stride, y, y_stride);
  } else if (count == 2) {
    bfloat16_rows(3, 2, weight, x, x_stride, y, y_stride);
  } else if (kind == KIND_BF16 && rows <= DIRECT_ROWS) {
    bfloat16_panel(weight, x, x_stride, rows, y, y_stride);
  } else {
    panel_rows(kind, weight, x, x_stride, rows, y, y_stride);
  }
}

void float_product(int kind, panels weight, int64_t outputs, const float *x, int64_t x_stride, int64_t rows, float *y,
                   int64_t y_stride) {
  int64_t value_stride = panel_bytes(kind, weight.inputs, weight.group);
  int64_t scale_stride = panel_scale_bytes(kind, weight.inputs, weight.group);
  int64_t whole = outputs / PANEL;
  int at_once = panels_at_once(kind, rows);
  int64_t streams = whole / at_once;
  weight.apart = streams;
  for (int64_t p = 0; p < streams; p++) {
    whole_panels(kind, at_once, weight, x, x_stride, rows, y + p * PANEL, y_stride);
    weight.values += value_stride;
    weight.scales += scale_stride;
  }
  weight.apart = 1;
  weight.values += (at_once - 1) * streams * value_stride;
  weight.scales += (at_once - 1) * streams * scale_stride;
  for (int64_t p = at_once * streams; p < whole; p++) {
    whole_panels(kind, 1, weight, x, x_stride, rows, y + p * PANEL, y_stride);
    weight.values += value_stride;
    weight.scales += scale_stride;
  }
  int64_t rest = outputs - whole * PANEL;
  if (rest > 0) {
    _Alignas(64) float part[6 * PANEL];
    for (int64_t m = 0; m < rows; m += 6) {
      int64_t some = min_i64(6, rows - m);
      panel_rows(kind, weight, x + m * x_stride, x_stride, some, part, PANEL);
      for (int64_t r = 0; r < some; r++) memcpy(y + (m + r) * y_stride + whole * PANEL, part + r * PANEL, rest * 4);
    }
  }
}

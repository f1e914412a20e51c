/* The exported entry points that have no file of their own. */
#include "kernels.h"

int64_t panel_bytes(int kind, int64_t inputs, int64_t group) {
  switch (kind) {
    case KIND_F32: return 4 * PANEL * inputs;
    case KIND_BF16: return 2 * PANEL * round_up(inputs, 2);
    case KIND_F16: return 2 * PANEL * inputs;
    case KIND_FP8: return PANEL * inputs;
    case KIND_INT8_QUANTIZED: return PANEL * round_up(inputs, SCALE_GROUP);
    default: return PANEL * round_up(inputs, group) / 2;
  }
}

int64_t panel_scale_bytes(int kind, int64_t inputs, int64_t group) {
  switch (kind) {
    case KIND_FP8:
    case KIND_INT8_QUANTIZED: return 4 * PANEL;
    case KIND_INT4_F32: return 4 * PANEL * (round_up(inputs, group) / group);
    case KIND_INT4_BF16:
    case KIND_INT4_QUANTIZED: return 2 * PANEL * (round_up(inputs, group) / group);
    default: return 0;
  }
}

/* y[rows][outputs] = x[rows][inputs] Wt for the outputs from panel `first` on. `x` is floats, or what sl4_quantize made;
 * strides are in bytes. */
EXPORT void sl4_product(int kind, const uint8_t *values, const uint8_t *scales, int64_t inputs, int64_t group, int64_t first,
                        int64_t outputs, const uint8_t *x, int64_t x_stride, int64_t rows, float *y, int64_t y_stride) {
  panels weight = {values + first * panel_bytes(kind, inputs, group),
                   scales + first * panel_scale_bytes(kind, inputs, group), inputs, group, 1};
  if (kind == KIND_INT8_QUANTIZED) {
    int8_product(weight, outputs, x, x_stride, rows, y, y_stride / 4);
  } else if (kind == KIND_INT4_QUANTIZED) {
    int4_product(weight, outputs, x, x_stride, rows, y, y_stride / 4);
  } else {
    float_product(kind, weight, outputs, (const float *)x, x_stride / 4, rows, y, y_stride / 4);
  }
}

/* Which instructions this build uses: bits 0 to 7 the vector's bytes, bit 8 dot instructions. */
EXPORT int32_t sl4_instructions(void) {
#ifdef SL4_DOT4
  return SL4_WIDTH | 256;
#else
  return SL4_WIDTH;
#endif
}

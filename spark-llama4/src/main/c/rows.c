/* What is done row by row between products. */
#include "kernels.h"

INLINE float add_lanes(vf sum) {
  float total = 0;
  for (int lane = 0; lane < LANES; lane++) total += sum[lane];
  return total;
}

/* y = x / sqrt(mean(x^2) + epsilon) * weight, for rows of `width`; `y` may be `x`. */
EXPORT void sl4_rms_norm(const float *x, const float *weight, float epsilon, int64_t width, int64_t rows, float *y) {
  for (int64_t m = 0; m < rows; m++, x += width, y += width) {
    vf squares[4] = {{}, {}, {}, {}};
    int64_t i = 0;
    for (; i + 4 * LANES <= width; i += 4 * LANES) {
      UNROLL for (int j = 0; j < 4; j++) {
        vf value = load_floats(x + i + j * LANES);
        squares[j] = fma_floats(value, value, squares[j]);
      }
    }
    float rest = 0;
    for (int64_t j = i; j < width; j++) rest += x[j] * x[j];
    float sum = add_lanes((squares[0] + squares[1]) + (squares[2] + squares[3])) + rest;
    float scale = (float)(1 / __builtin_sqrt((double)(sum / (float)width + epsilon)));
    int64_t j = 0;
    for (; j + LANES <= width; j += LANES) {
      store_floats(y + j, load_floats(x + j) * broadcast(scale) * load_floats(weight + j));
    }
    for (; j < width; j++) y[j] = x[j] * scale * weight[j];
  }
}

/* y = silu(gate) * up, for rows of `width`; strides in floats. `y` may be `gate`. */
EXPORT void sl4_swiglu(const float *gate, const float *up, int64_t stride, int64_t width, int64_t rows, float *y,
                       int64_t y_stride) {
  for (int64_t m = 0; m < rows; m++, gate += stride, up += stride, y += y_stride) {
    int64_t i = 0;
    for (; i < width; i += LANES) {
      vf g, u;
      if (i + LANES <= width) {
        g = load_floats(gate + i);
        u = load_floats(up + i);
      } else {
        float part[2 * LANES] = {0};
        memcpy(part, gate + i, 4 * (width - i));
        memcpy(part + LANES, up + i, 4 * (width - i));
        g = load_floats(part);
        u = load_floats(part + LANES);
      }
      vf activated = g / (exp_floats(-g) + broadcast(1)) * u;
      if (i + LANES <= width) {
        store_floats(y + i, activated);
      } else {
        memcpy(y + i, &activated, 4 * (width - i));
      }
    }
  }
}

/* target = target + addend. */
EXPORT void sl4_add(const float *addend, float *target, int64_t count) {
  int64_t i = 0;
  for (; i + LANES <= count; i += LANES) store_floats(target + i, load_floats(target + i) + load_floats(addend + i));
  for (; i < count; i++) target[i] += addend[i];
}

#pragma once
#include "matmul.cuh"

/// The first input of split `split` of `splits`, in units of the format.
template <class FORMAT>
__device__ int splitStart(int inputs, int split, int splits) {
  int units = inputs / FORMAT::INPUT_UNIT;
  return (int)((i64)split * units / splits) * FORMAT::INPUT_UNIT;
}

/// Calls `body(m, s, half, row, column)` for each pair of sums, of outputs `column` and `column + 1`, that lies within
/// the block's rows; twice for the rows 8 apart.
template <class TILE, class BODY>
__device__ void eachPair(const Matmul<TILE>& product, const MatmulPlace& place, BODY body) {
#pragma unroll
  for (int m = 0; m < TILE::M_TILES; m++) {
#pragma unroll
    for (int below = 0; below < 2; below++) {
      int row = place.firstRow + (product.warpM * TILE::M_TILES + m) * 16 + product.lane / 4 + 8 * below;
      if (row < place.endRow) {
#pragma unroll
        for (int s = 0; s < TILE::STRIPS; s++) {
          int strip = product.warpN * TILE::STRIPS + s;
          int outputStrip = product.firstStrip + (TILE::GATED ? strip / 2 : strip);
#pragma unroll
          for (int half = 0; half < 2; half++) {
            body(m, s, half, below, row, outputStrip * STRIP + half * 8 + product.lane % 4 * 2);
          }
        }
      }
    }
  }
}

/// The scale of `output`; 1 where outputs have none.
template <class FORMAT>
__device__ float outputScale(const void* scales, int output) {
  return FORMAT::HAS_OUTPUT_SCALES ? static_cast<const float*>(scales)[output] : 1.0f;
}

/// output[row, column] = sum * scale + bias; or the sum alone to `partials` [splits][rows][outputs] where splits of the
/// inputs are computed side by side. A block that takes all splits adds their sums up in `output`.
template <class TILE>
__device__ void product(
    const MatmulInput& in, const float* bias, int splits, float* partials, float* output, i64 outputStride) {
  using Format = typename TILE::Format;
  DYNAMIC_SHARED(u8, memory);
  MatmulPlace place;
  if (!findPlace<TILE>(in, blockIdx.y, place)) {
    return;
  }
  Matmul<TILE> product(in, place, memory);
  bool together = gridDim.z == 1;
  int first = blockIdx.z;
  int last = together ? splits - 1 : first;
  float* target = together ? output : partials + (i64)first * in.count * in.outputs;
  i64 targetStride = together ? outputStride : in.outputs;
#pragma unroll 1
  for (int split = first; split <= last; split++) {
    product.clear();
    product.run(splitStart<Format>(in.inputs, split, splits), splitStart<Format>(in.inputs, split + 1, splits));
    bool isFirst = split == first;
    bool isWhole = together && split == last;
    eachPair<TILE>(product, place, [&](int m, int s, int half, int below, int row, int column) {
#pragma unroll
      for (int i = 0; i < 2; i++) {
        if (column + i < in.outputs) {
          float* at = target + row * targetStride + column + i;
          float sum = product.sums[m][s][half][2 * below + i];
          float total = isFirst ? sum : *at + sum;
          float scaled = isWhole ? total * outputScale<Format>(place.scales, column + i) : total;
          *at = isWhole && bias != nullptr ? scaled + bias[column + i] : scaled;
        }
      }
    });
  }
}

/// output[row, column] = silu(gate * score) * (up * score), in as many terms of bf16 as the input has, zeros from the last
/// output to the end of its strip.
template <class TILE>
__device__ void gatedProduct(
    const MatmulInput& in, const float* scores, bf16* output, i64 outputStride, i64 outputTermStride) {
  DYNAMIC_SHARED(u8, memory);
  MatmulPlace place;
  if (!findPlace<TILE>(in, blockIdx.y, place)) {
    return;
  }
  Matmul<TILE> product(in, place, memory);
  product.clear();
  product.run(0, in.inputs);
  eachPair<TILE>(product, place, [&](int m, int s, int half, int below, int row, int column) {
    if (s % 2 == 0 && column < outputStride) {
      float score = scores == nullptr ? 1.0f : scores[row];
      float values[2];
#pragma unroll
      for (int i = 0; i < 2; i++) {
        int known = min(column + i, in.outputs - 1);
        float gate = product.sums[m][s][half][2 * below + i];
        float up = product.sums[m][s + 1][half][2 * below + i];
        gate = gate * outputScale<typename TILE::Format>(place.scales, known) * score;
        up = up * outputScale<typename TILE::Format>(place.upScales, known) * score;
        values[i] = column + i < in.outputs ? gate / (1.0f + expFloat(-gate)) * up : 0.0f;
      }
      bf16* at = output + row * outputStride + column;
      u32 pair = packBf16(values[0], values[1]);
      *reinterpret_cast<u32*>(at) = pair;
      if (outputTermStride != 0) {
        u32 rest = packBf16(values[0] - lowFloat(pair), values[1] - highFloat(pair));
        *reinterpret_cast<u32*>(at + outputTermStride) = rest;
      }
    }
  });
}

#define MATMUL_PARAMETERS                                                                                              \
  const bf16 *rows, i64 stride, i64 termStride, const int *rowOf, const int *offsets, const int *tileStarts, int groups,               \
      const u64 *table, const u8 *values, const void *scales, const u8 *upValues, const void *upScales, int group,     \
      int wideScales, int count, int outputs, int inputs, int rowInputs
#define MATMUL_INPUT                                                                                                   \
  MatmulInput {                                                                                                        \
    rows, stride, termStride, rowOf, offsets, tileStarts, groups, table, values, scales, upValues, upScales, group, wideScales,    \
        count, outputs, inputs, rowInputs                                                                              \
  }

/// Tiles of 16 rows read each weight once for few rows and are split over inputs; tiles of 64 use each weight for 64.
template <class FORMAT>
struct Tiles {
  static constexpr int FEW_STAGE = FORMAT::INPUT_UNIT;
  static constexpr int MANY_STAGE = FORMAT::INPUT_UNIT / 2;
  /// Sums with a scale per group take more registers.
  static constexpr int MANY_STRIPS = FORMAT::HAS_GROUP_SCALES ? 2 : 4;
  using Few = MatmulTile<FORMAT, 1, 4, 1, 1, FEW_STAGE, 4, false>;
  using FewGated = MatmulTile<FORMAT, 1, 4, 1, 2, FEW_STAGE, 3, true>;
  using Many = MatmulTile<FORMAT, 2, 2, 2, MANY_STRIPS, MANY_STAGE, 3, false>;
  using ManyGated = MatmulTile<FORMAT, 2, 2, 2, 4, MANY_STAGE, 3, true>;
};

template <class TILE>
__device__ void describeTile(int* shape) {
  shape[0] = TILE::OUTPUT_STRIPS;
  shape[1] = TILE::sharedBytes(1);
  shape[2] = TILE::sharedBytes(2);
}

/// Grid: (strips / OUTPUT_STRIPS, tiles of rows, splits side by side or 1); THREADS threads; sharedBytes of dynamic
/// shared memory. Java reads these from matmul_shapes_*.
#define MATMUL_KERNELS(name, Format)                                                                                   \
  extern "C" __global__ void __launch_bounds__(128, 1)                                                                 \
      matmul_##name##_16(MATMUL_PARAMETERS, const float* bias, int splits, float* partials, float* output,             \
                         i64 outputStride) {                                                                           \
    product<Tiles<Format>::Few>(MATMUL_INPUT, bias, splits, partials, output, outputStride);                           \
  }                                                                                                                    \
  EXPORT_KERNEL(matmul_##name##_16)                                                                                    \
  extern "C" __global__ void __launch_bounds__(128, 1)                                                                 \
      matmul_##name##_64(MATMUL_PARAMETERS, const float* bias, int splits, float* partials, float* output,             \
                         i64 outputStride) {                                                                           \
    product<Tiles<Format>::Many>(MATMUL_INPUT, bias, splits, partials, output, outputStride);                          \
  }                                                                                                                    \
  EXPORT_KERNEL(matmul_##name##_64)                                                                                    \
  extern "C" __global__ void __launch_bounds__(128, 1)                                                                 \
      matmul_gated_##name##_16(MATMUL_PARAMETERS, const float* scores, bf16* output, i64 outputStride,      \
                               i64 outputTermStride) {                                                                 \
    gatedProduct<Tiles<Format>::FewGated>(MATMUL_INPUT, scores, output, outputStride, outputTermStride);                                 \
  }                                                                                                                    \
  EXPORT_KERNEL(matmul_gated_##name##_16)                                                                              \
  extern "C" __global__ void __launch_bounds__(128, 1)                                                                 \
      matmul_gated_##name##_64(MATMUL_PARAMETERS, const float* scores, bf16* output, i64 outputStride,      \
                               i64 outputTermStride) {                                                                 \
    gatedProduct<Tiles<Format>::ManyGated>(MATMUL_INPUT, scores, output, outputStride, outputTermStride);                                \
  }                                                                                                                    \
  EXPORT_KERNEL(matmul_gated_##name##_64)                                                                              \
  /** For 16, 64, gated 16 and gated 64 rows: strips of outputs of a block, shared memory with one term, with two. */     \
  extern "C" __global__ void __launch_bounds__(32) matmul_shapes_##name(int* shapes) {                                 \
    if (threadIdx.x == 0) {                                                                                            \
      describeTile<Tiles<Format>::Few>(shapes);                                                                        \
      describeTile<Tiles<Format>::Many>(shapes + 3);                                                                   \
      describeTile<Tiles<Format>::FewGated>(shapes + 6);                                                               \
      describeTile<Tiles<Format>::ManyGated>(shapes + 9);                                                              \
    }                                                                                                                  \
  }                                                                                                                    \
  EXPORT_KERNEL(matmul_shapes_##name)

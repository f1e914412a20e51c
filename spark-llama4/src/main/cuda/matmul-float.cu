#include "intrinsics.cuh"

/// Rows that share a read of the weights.
constexpr int FLOAT_ROWS = 8;

/// output = input Wt + bias in float32 throughout, for routers: who chooses another expert changes everything behind it.
/// A lane sums every 32nd product, the lanes' sums meet in a fixed tree.
///
/// Grid: rows / 8; 256 threads.
///
/// @param input float32 [rows, inputs]
/// @param weights float32 [outputs, inputs]
/// @param bias float32 [outputs] or null
/// @param output float32 [rows, outputStride]
extern "C" __global__ void __launch_bounds__(256)
    matmul_float(const float* input, const float* weights, const float* bias, int rows, int outputs, int inputs,
                 float* output, i64 outputStride) {
  int lane = threadIdx.x % 32;
  int first = blockIdx.x * FLOAT_ROWS;
  for (int column = threadIdx.x / 32; column < outputs; column += blockDim.x / 32) {
    float sums[FLOAT_ROWS] = {};
    for (int i = lane; i < inputs; i += 32) {
      float weight = weights[(i64)column * inputs + i];
#pragma unroll
      for (int r = 0; r < FLOAT_ROWS; r++) {
        if (first + r < rows) {
          sums[r] += weight * input[(i64)(first + r) * inputs + i];
        }
      }
    }
#pragma unroll
    for (int r = 0; r < FLOAT_ROWS; r++) {
      for (int mask = 16; mask > 0; mask /= 2) {
        sums[r] += shuffleXor(sums[r], mask);
      }
      if (lane == 0 && first + r < rows) {
        output[(first + r) * outputStride + column] = bias == nullptr ? sums[r] : sums[r] + bias[column];
      }
    }
  }
}
EXPORT_KERNEL(matmul_float)

/// Adds the sums of splits in their order: output = (p0 + p1 + ...) * scale + bias.
///
/// Grid: elements / 256; 256 threads.
///
/// @param partials float32 [splits, rows, outputs]
/// @param scales float32 [outputs] or null
/// @param bias float32 [outputs] or null
extern "C" __global__ void __launch_bounds__(256)
    matmul_finish(const float* partials, int splits, int rows, int outputs, const float* scales, const float* bias,
                  float* output, i64 outputStride) {
  i64 elements = (i64)rows * outputs;
  i64 at = (i64)blockIdx.x * blockDim.x + threadIdx.x;
  if (at < elements) {
    float total = partials[at];
    for (int split = 1; split < splits; split++) {
      total += partials[split * elements + at];
    }
    int column = (int)(at % outputs);
    float value = scales == nullptr ? total : total * scales[column];
    output[at / outputs * outputStride + column] = bias == nullptr ? value : value + bias[column];
  }
}
EXPORT_KERNEL(matmul_finish)

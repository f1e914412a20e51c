#include "intrinsics.cuh"

/// Threads of a block that norms one row.
constexpr int NORM_THREADS = 256;

/// The sum of every thread's value, the same for all, taken in a fixed tree.
__device__ inline float blockSum(float value, float* shared) {
  for (int mask = 16; mask > 0; mask /= 2) {
    value += shuffleXor(value, mask);
  }
  if (threadIdx.x % 32 == 0) {
    shared[threadIdx.x / 32] = value;
  }
  syncThreads();
  float sum = 0;
  for (int warp = 0; warp < NORM_THREADS / 32; warp++) {
    sum += shared[warp];
  }
  return sum;
}

/// Stores a value as one bf16, or as two whose sum is exact to 2^-16.
__device__ inline void storeTerms(bf16* at, i64 termStride, float value) {
  bf16 nearest = toBf16(value);
  *at = nearest;
  if (termStride != 0) {
    at[termStride] = toBf16(value - toFloat(nearest));
  }
}

/// output = input / sqrt(mean(input^2) + epsilon) * weight, row by row.
///
/// Grid: rows; 256 threads.
///
/// @param input float32 [rows, width]
/// @param weight float32 [width]
/// @param output float32 [rows, width], may be `input`; null for none
/// @param packed the same in bf16 [terms, ., stride], zeros behind the row; null for none
/// @param termStride elements from the first terms to the second, which are what the first leave; 0 for one term
extern "C" __global__ void __launch_bounds__(NORM_THREADS)
    rms_norm(const float* input, const float* weight, float epsilon, int width, float* output, bf16* packed,
             i64 stride, i64 termStride) {
  __shared__ float sums[NORM_THREADS / 32];
  const float* row = input + (i64)blockIdx.x * width;
  float squares = 0;
  for (int i = threadIdx.x; i < width; i += NORM_THREADS) {
    squares += row[i] * row[i];
  }
  float scale = rsqrtFloat(blockSum(squares, sums) / width + epsilon);
  for (int i = threadIdx.x; i < width; i += NORM_THREADS) {
    float value = row[i] * scale * weight[i];
    if (packed != nullptr) {
      storeTerms(packed + blockIdx.x * stride + i, termStride, value);
    }
    if (output != nullptr) {
      output[(i64)blockIdx.x * width + i] = value;
    }
  }
  if (packed != nullptr) {
    for (i64 i = width + threadIdx.x; i < stride; i += NORM_THREADS) {
      storeTerms(packed + blockIdx.x * stride + i, termStride, 0);
    }
  }
}
EXPORT_KERNEL(rms_norm)

/// Copies rows as bf16, zeros behind each.
///
/// Grid: rows; 256 threads.
///
/// @param input float32 [rows, width]
/// @param packed bf16 [terms, ., stride]
/// @param termStride as for rms_norm
extern "C" __global__ void __launch_bounds__(256)
    pack_rows(const float* input, int width, bf16* packed, i64 stride, i64 termStride) {
  for (i64 i = threadIdx.x; i < stride; i += blockDim.x) {
    float value = i < width ? input[(i64)blockIdx.x * width + i] : 0;
    storeTerms(packed + blockIdx.x * stride + i, termStride, value);
  }
}
EXPORT_KERNEL(pack_rows)

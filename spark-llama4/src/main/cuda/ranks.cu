#include "intrinsics.cuh"

/// target = the sum over the ranks, in their order.
///
/// Grid: elements / 256; 256 threads.
///
/// @param others float32 [ranks - 1, elements], of the other ranks in their order
/// @param target float32 [elements], this rank's; in place
extern "C" __global__ void __launch_bounds__(256)
    sum_ranks(const float* others, int rank, int ranks, i64 elements, float* target) {
  i64 at = (i64)blockIdx.x * blockDim.x + threadIdx.x;
  if (at < elements) {
    float sum = 0;
    for (int i = 0; i < ranks; i++) {
      float value = i == rank ? target[at] : others[(i < rank ? i : i - 1) * elements + at];
      sum = i == 0 ? value : sum + value;
    }
    target[at] = sum;
  }
}
EXPORT_KERNEL(sum_ranks)

/// Copies rows into columns of a wider matrix.
///
/// Grid: rows; 256 threads.
///
/// @param part float32 [rows, width]
/// @param whole float32, the first of the columns; rows are `stride` elements apart
extern "C" __global__ void __launch_bounds__(256)
    copy_columns(const float* part, int width, float* whole, i64 stride) {
  for (int i = threadIdx.x; i < width; i += blockDim.x) {
    whole[blockIdx.x * stride + i] = part[(i64)blockIdx.x * width + i];
  }
}
EXPORT_KERNEL(copy_columns)

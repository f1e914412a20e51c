/// What is done to each element of a tensor alone.
#include "intrinsics.cuh"

constexpr int ELEMENTWISE_THREADS = 256;

/// target[i] += addend[i], both float32 [elements]. Any number of blocks.
extern "C" __global__ void __launch_bounds__(ELEMENTWISE_THREADS)
    add_in_place(const float* __restrict__ addend, float* __restrict__ target, i64 elements) {
  i64 stride = static_cast<i64>(gridDim.x) * ELEMENTWISE_THREADS;
  for (i64 i = static_cast<i64>(blockIdx.x) * ELEMENTWISE_THREADS + threadIdx.x; i < elements; i += stride) {
    target[i] += addend[i];
  }
}
EXPORT_KERNEL(add_in_place)

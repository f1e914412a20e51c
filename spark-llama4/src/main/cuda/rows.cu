#include "decode.cuh"

/// output[t] = table[ids[t]].
///
/// Grid: rows; 256 threads.
///
/// @param ids [rows]
/// @param table [vocabulary, width] of `type` (decode.cuh), which may lie in pinned memory of the host
/// @param output float32 [rows, width]
extern "C" __global__ void __launch_bounds__(256)
    embed(const int* ids, const void* table, int type, int width, float* output) {
  i64 from = (i64)ids[blockIdx.x] * width;
  for (int i = threadIdx.x; i < width; i += blockDim.x) {
    output[(i64)blockIdx.x * width + i] = decode(table, type, from + i);
  }
}
EXPORT_KERNEL(embed)

/// output[r] = input[indices[r]].
///
/// Grid: rows; 256 threads.
///
/// @param input float32 [., width]
/// @param output float32 [rows, width], not `input`
extern "C" __global__ void __launch_bounds__(256)
    select_rows(const float* input, const int* indices, int width, float* output) {
  const float* from = input + (i64)indices[blockIdx.x] * width;
  for (int i = threadIdx.x; i < width; i += blockDim.x) {
    output[(i64)blockIdx.x * width + i] = from[i];
  }
}
EXPORT_KERNEL(select_rows)

/// target = target + first, then + second where there is one.
///
/// Grid: elements / 256; 256 threads.
///
/// @param first float32 [elements]
/// @param second float32 [elements] or null
/// @param target float32 [elements], in place
extern "C" __global__ void __launch_bounds__(256)
    add_rows(const float* first, const float* second, float* target, i64 elements) {
  i64 at = (i64)blockIdx.x * blockDim.x + threadIdx.x;
  if (at < elements) {
    float sum = target[at] + first[at];
    target[at] = second == nullptr ? sum : sum + second[at];
  }
}
EXPORT_KERNEL(add_rows)

/// output = silu(gate) * up.
///
/// Grid: (rows, width / 256); 256 threads.
///
/// @param gateUp float32 [rows, 2 * width]
/// @param output float32 [rows, width]
extern "C" __global__ void __launch_bounds__(256) swiglu(const float* gateUp, int width, float* output) {
  int i = blockIdx.y * blockDim.x + threadIdx.x;
  if (i < width) {
    float gate = gateUp[(i64)blockIdx.x * 2 * width + i];
    float up = gateUp[((i64)blockIdx.x * 2 + 1) * width + i];
    output[(i64)blockIdx.x * width + i] = gate / (1.0f + expFloat(-gate)) * up;
  }
}
EXPORT_KERNEL(swiglu)

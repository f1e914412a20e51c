#pragma once
#include "intrinsics.cuh"

/// Types of stored elements.
constexpr int TYPE_F32 = 0;
constexpr int TYPE_BF16 = 1;
constexpr int TYPE_F16 = 2;
constexpr int TYPE_E4M3 = 3;

/// The value of 16 bits of IEEE half precision; exact.
__device__ inline float halfToFloat(u16 bits) {
  u32 sign = (u32)(bits & 0x8000u) << 16;
  u32 magnitude = bits & 0x7fffu;
  if (magnitude >= 0x7c00u) {
    return floatOf(sign | 0x7f800000u | (magnitude & 0x3ffu) << 13);
  }
  // 2^112 makes up for the difference of the exponents' biases, subnormals included.
  return floatOf(sign | magnitude << 13) * 0x1p112f;
}

/// Element `index` of `data`; exact.
__device__ inline float decode(const void* data, int type, i64 index) {
  switch (type) {
    case TYPE_F32:
      return static_cast<const float*>(data)[index];
    case TYPE_BF16:
      return toFloat(static_cast<const bf16*>(data)[index]);
    case TYPE_F16:
      return halfToFloat(static_cast<const u16*>(data)[index]);
    default:
      return e4m3ToFloat(static_cast<const u8*>(data)[index]);
  }
}

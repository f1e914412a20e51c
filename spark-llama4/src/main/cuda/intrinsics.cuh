/// Everything that a kernel may ask of its target, and the only file that knows which target it is.
///
/// Compiled by NVRTC the bodies are CUDA and PTX that run on sm_80 and newer; compiled by an ordinary C++ compiler they
/// are those of the emulator among the tests, which checks what a GPU would silently get wrong. What follows from plain
/// arithmetic is written once, for both.
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed char i8;
typedef int i32;
typedef long long i64;

/// The upper half of a float32: 8 bits of exponent, 7 of fraction.
struct bf16 {
  u16 bits;
};

#if defined(__CUDACC_RTC__) || defined(__CUDACC__)

#define INLINE __device__ __forceinline__

/// After each kernel: the emulator's table of kernels is made of these.
#define EXPORT_KERNEL(kernel)

/// Declares `name`, the block's dynamic shared memory, 128-byte aligned.
#define DYNAMIC_SHARED(T, name)                                    \
  extern __shared__ __align__(128) unsigned char dynamicShared[];  \
  T* name = reinterpret_cast<T*>(dynamicShared)

constexpr u32 FULL_WARP = 0xffffffffu;

INLINE u32 bitsOf(float value) { return __float_as_uint(value); }
INLINE float floatOf(u32 bits) { return __uint_as_float(bits); }

/// All threads of the block arrive before any goes on; what they wrote to memory is seen by all of the block.
INLINE void syncThreads() { __syncthreads(); }

/// The same for the 32 threads of a warp.
INLINE void syncWarp() { __syncwarp(); }

/// Exchanges within a warp, all 32 lanes taking part; T has 4 or 8 bytes.
template <class T>
INLINE T shuffleXor(T value, int mask) {
  return __shfl_xor_sync(FULL_WARP, value, mask);
}
template <class T>
INLINE T shuffleDown(T value, int lanes) {
  return __shfl_down_sync(FULL_WARP, value, lanes);
}
template <class T>
INLINE T shuffle(T value, int lane) {
  return __shfl_sync(FULL_WARP, value, lane);
}

/// Bit i of the result is the predicate of lane i.
INLINE u32 ballot(bool predicate) { return __ballot_sync(FULL_WARP, predicate); }

INLINE u32 sharedAddress(const void* shared) { return static_cast<u32>(__cvta_generic_to_shared(shared)); }

/// Starts a copy of 16 bytes from global to shared memory, or of zeros where not `valid` (`global` is a mapped address even
/// so). What it brings is there after `cpAsyncWait` in this thread, and after a barrier in others.
INLINE void cpAsync16(void* shared, const void* global, bool valid) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(sharedAddress(shared)),
               "l"(__cvta_generic_to_global(global)), "r"(valid ? 16 : 0)
               : "memory");
}

/// The copies that this thread started since its last commit become one group.
INLINE void cpAsyncCommit() { asm volatile("cp.async.commit_group;" ::: "memory"); }

/// Waits until at most the N latest groups of this thread are on their way.
template <int N>
INLINE void cpAsyncWait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory");
}

/// Four 8 x 8 matrices of 16-bit values: lane l gives the address of row l % 8 of matrix l / 8 (16 bytes, 16-byte aligned) and
/// gets of matrix i, in r[i], columns 2 (l % 4) and the next of row l / 4.
INLINE void ldmatrix4(u32 (&r)[4], const void* shared) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(sharedAddress(shared))
               : "memory");
}

/// The same with each matrix transposed: in r[i], rows 2 (l % 4) and the next of column l / 4.
INLINE void ldmatrix4Transposed(u32 (&r)[4], const void* shared) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(sharedAddress(shared))
               : "memory");
}

/// c [16, 8] float32 += a [16, 16] bf16 x b [16, 8] bf16. With g = lane / 4 and t = lane % 4, pairs being two bf16 of which the
/// lower column (of b: row) is in the lower half: a[0] = row g, columns 2t and 2t + 1; a[1] = row g + 8; a[2] and a[3] = the same
/// rows, columns 2t + 8 and 2t + 9; b0 = rows 2t and 2t + 1 of column g, b1 = rows 2t + 8 and 2t + 9; c[0], c[1] = row g, columns 2t
/// and 2t + 1; c[2], c[3] = row g + 8.
INLINE void mma16816(float (&c)[4], const u32 (&a)[4], u32 b0, u32 b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

/// 16 bytes from global memory that no thread of the launch writes, 16-byte aligned.
INLINE uint4 load16(const void* global) {
  uint4 value;
  asm volatile("ld.global.nc.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(value.x), "=r"(value.y), "=r"(value.z), "=r"(value.w)
               : "l"(__cvta_generic_to_global(global)));
  return value;
}
INLINE void store16(void* global, uint4 value) { *static_cast<uint4*>(global) = value; }
INLINE uint4 loadShared16(const void* shared) { return *static_cast<const uint4*>(shared); }
INLINE void storeShared16(void* shared, uint4 value) { *static_cast<uint4*>(shared) = value; }

/// Nearest even; NaN becomes 0x7fff.
INLINE u32 packBf16(float low, float high) {
  u32 pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
}
INLINE bf16 toBf16(float value) {
  bf16 result;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(result.bits) : "f"(value));
  return result;
}

/// a b + c on pairs of bf16, rounded once; NaN becomes 0x7fff.
INLINE u32 fmaBf16x2(u32 a, u32 b, u32 c) {
  u32 result;
  asm("fma.rn.bf16x2 %0, %1, %2, %3;" : "=r"(result) : "r"(a), "r"(b), "r"(c));
  return result;
}

INLINE float expFloat(float value) { return expf(value); }
INLINE float logFloat(float value) { return logf(value); }
INLINE float sinFloat(float value) { return sinf(value); }
INLINE float cosFloat(float value) { return cosf(value); }
INLINE double expDouble(double value) { return exp(value); }
INLINE double logDouble(double value) { return log(value); }

/// 1 / sqrt(value), each of the two correctly rounded.
INLINE float rsqrtFloat(float value) { return __fdiv_rn(1.0f, __fsqrt_rn(value)); }

INLINE int countBits(u32 value) { return __popc(value); }

#else
#include "emulated.hpp"
#endif

INLINE float infinity() { return floatOf(0x7f800000u); }

INLINE float toFloat(bf16 value) { return floatOf(static_cast<u32>(value.bits) << 16); }

/// The two values of a pair of bf16.
INLINE float lowFloat(u32 pair) { return floatOf(pair << 16); }
INLINE float highFloat(u32 pair) { return floatOf(pair & 0xffff0000u); }

/// e4m3: sign, 4 bits of exponent with bias 7, 3 of fraction; no infinity; all ones is NaN.
INLINE float e4m3ToFloat(u8 value) {
  u32 magnitude = value & 0x7fu;
  u32 sign = static_cast<u32>(value & 0x80u) << 24;
  // The fields moved into those of a float32 give a value that is 2^-120 too small, subnormals among them.
  u32 bits = bitsOf(floatOf(magnitude << 20) * floatOf(247u << 23));
  return floatOf(magnitude == 0x7fu ? 0x7fffffffu : bits | sign);
}

/// Nearest even; beyond 448 the largest value of the same sign; NaN becomes 0x7f.
INLINE u8 toE4m3(float value) {
  u32 bits = bitsOf(value);
  u32 magnitude = bits & 0x7fffffffu;
  u32 sign = (bits >> 24) & 0x80u;
  if (magnitude > 0x7f800000u) {
    return 0x7f;
  }
  if (magnitude >= (135u << 23 | 6u << 20)) {  // 448 = 1.75 * 2^8
    return static_cast<u8>(sign | 0x7eu);
  }
  if (magnitude < 121u << 23) {  // Below 2^-6 values are multiples of 2^-9, which is what floats around 2^14 are rounded to.
    return static_cast<u8>(sign | (bitsOf(floatOf(magnitude) + 16384.0f) & 0xfu));
  }
  magnitude += 0x7ffffu + ((magnitude >> 20) & 1u);
  return static_cast<u8>(sign | ((magnitude >> 20) - (120u << 3)));
}

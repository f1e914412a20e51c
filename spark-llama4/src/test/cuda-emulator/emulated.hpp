/// The emulated half of intrinsics.cuh: CUDA's words and the project's intrinsics for an ordinary C++ compiler.
///
/// A thread is a fiber. Exchanges within a warp are done by the last lane to arrive; what a GPU leaves undefined is reported
/// here with kernel, block, thread and line: arrival at different barriers, misaligned addresses, copies nobody waits for.
#pragma once

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "block.hpp"
#include "races.hpp"
#include "registry.hpp"

#define INLINE static inline
#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __constant__ static const
#define __align__(n) __attribute__((aligned(n)))

// shared.ld puts them together.
#define __shared__ static

#define EMULATOR_JOIN_(a, b) a##b
#define EMULATOR_JOIN(a, b) EMULATOR_JOIN_(a, b)
// "extern "C" void __launch_bounds__(n) name(...)" becomes the declaration of a function that nobody calls, an object that
// remembers n for the EXPORT_KERNEL that follows, and the kernel.
#define __launch_bounds__(...) EMULATOR_LAUNCH_BOUNDS(__COUNTER__, __VA_ARGS__, 0)
#define EMULATOR_LAUNCH_BOUNDS(number, threads, ...) EMULATOR_LAUNCH_BOUNDS_(number, threads)
#define EMULATOR_LAUNCH_BOUNDS_(number, threads)                                      \
  EMULATOR_JOIN(emulatorUnused, number)();                                            \
  static const ::emulator::LaunchBound EMULATOR_JOIN(emulatorBound, number)(threads); \
  extern "C" void

#define EXPORT_KERNEL(kernel) \
  [[maybe_unused]] static const int emulatorRegistered_##kernel = ::emulator::registerKernel(#kernel, kernel);

#define DYNAMIC_SHARED(T, name) T* name = reinterpret_cast<T*>(::emulator::dynamicSharedMemory)

#define threadIdx (::emulator::current->index)
#define blockIdx (::emulator::launch.blockIndex)
#define blockDim (::emulator::launch.block)
#define gridDim (::emulator::launch.grid)

// Where an intrinsic was called.
#define EMULATOR_SITE int line = __builtin_LINE(), const char *file = __builtin_FILE()

struct alignas(16) uint4 {
  u32 x, y, z, w;
};
struct alignas(8) uint2 {
  u32 x, y;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
struct alignas(8) float2 {
  float x, y;
};
INLINE uint4 make_uint4(u32 x, u32 y, u32 z, u32 w) { return {x, y, z, w}; }
INLINE uint2 make_uint2(u32 x, u32 y) { return {x, y}; }
INLINE float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
INLINE float2 make_float2(float x, float y) { return {x, y}; }

INLINE int min(int a, int b) { return b < a ? b : a; }
INLINE int max(int a, int b) { return a < b ? b : a; }
INLINE u32 min(u32 a, u32 b) { return b < a ? b : a; }
INLINE u32 max(u32 a, u32 b) { return a < b ? b : a; }
INLINE i64 min(i64 a, i64 b) { return b < a ? b : a; }
INLINE i64 max(i64 a, i64 b) { return a < b ? b : a; }
INLINE u64 min(u64 a, u64 b) { return b < a ? b : a; }
INLINE u64 max(u64 a, u64 b) { return a < b ? b : a; }
INLINE float min(float a, float b) { return fminf(a, b); }
INLINE float max(float a, float b) { return fmaxf(a, b); }
INLINE double min(double a, double b) { return fmin(a, b); }
INLINE double max(double a, double b) { return fmax(a, b); }

INLINE u32 bitsOf(float value) {
  u32 bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}
INLINE float floatOf(u32 bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

INLINE void syncThreads(EMULATOR_SITE) { emulator::blockBarrier({file, line}); }

INLINE void syncWarp(EMULATOR_SITE) { emulator::warpBarrier({file, line}); }

namespace emulator {

template <class T>
struct Exchange {
  T value;
  int operand;
};

/// Each lane gets the value of the lane that `SOURCE` names, or its own where that is none.
template <class T, int (*SOURCE)(int lane, int operand)>
inline T exchange(T value, int operand, Site site) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8, "values of 4 or 8 bytes are exchanged");
  Exchange<T> in{value, operand};
  T result;
  warpCollective(
      &in, &result,
      [](Warp& warp) {
        for (int lane = 0; lane < 32; lane++) {
          int source = SOURCE(lane, static_cast<const Exchange<T>*>(warp.in[lane])->operand);
          source = source < 0 || source > 31 ? lane : source;
          *static_cast<T*>(warp.out[lane]) = static_cast<const Exchange<T>*>(warp.in[source])->value;
        }
      },
      site);
  return result;
}

inline int laneXor(int lane, int mask) { return lane ^ mask; }
inline int laneBelow(int lane, int lanes) { return lane + lanes; }
inline int laneItself(int, int lane) { return lane & 31; }

struct MmaInput {
  const u32* a;
  u32 b0, b1;
};

uint32_t fmaBf16(uint32_t a, uint32_t b, uint32_t c);
void ballotCollective(Warp& warp);
void ldmatrixCollective(Warp& warp);
void ldmatrixTransposedCollective(Warp& warp);
void mmaCollective(Warp& warp);

}  // namespace emulator

template <class T>
INLINE T shuffleXor(T value, int mask, EMULATOR_SITE) {
  return emulator::exchange<T, emulator::laneXor>(value, mask, {file, line});
}
template <class T>
INLINE T shuffleDown(T value, int lanes, EMULATOR_SITE) {
  return emulator::exchange<T, emulator::laneBelow>(value, lanes, {file, line});
}
template <class T>
INLINE T shuffle(T value, int lane, EMULATOR_SITE) {
  return emulator::exchange<T, emulator::laneItself>(value, lane, {file, line});
}

INLINE u32 ballot(bool predicate, EMULATOR_SITE) {
  u32 result;
  emulator::warpCollective(&predicate, &result, emulator::ballotCollective, {file, line});
  return result;
}

INLINE void cpAsync16(void* shared, const void* global, bool valid, EMULATOR_SITE) {
  emulator::startCopy(shared, global, valid, {file, line});
}
INLINE void cpAsyncCommit() { emulator::commitCopies(); }
template <int N>
INLINE void cpAsyncWait() {
  emulator::finishCopies(N);
}

INLINE void ldmatrix4(u32 (&r)[4], const void* shared, EMULATOR_SITE) {
  emulator::checkShared(shared, "ldmatrix", {file, line});
  emulator::noteAccess(shared, 16, false, {file, line});
  emulator::warpCollective(shared, r, emulator::ldmatrixCollective, {file, line});
}
INLINE void ldmatrix4Transposed(u32 (&r)[4], const void* shared, EMULATOR_SITE) {
  emulator::checkShared(shared, "ldmatrix", {file, line});
  emulator::noteAccess(shared, 16, false, {file, line});
  emulator::warpCollective(shared, r, emulator::ldmatrixTransposedCollective, {file, line});
}
INLINE void mma16816(float (&c)[4], const u32 (&a)[4], u32 b0, u32 b1, EMULATOR_SITE) {
  emulator::MmaInput in{a, b0, b1};
  emulator::warpCollective(&in, c, emulator::mmaCollective, {file, line});
}

INLINE uint4 load16(const void* global, EMULATOR_SITE) {
  emulator::checkGlobal(global, "load16", {file, line});
  return *static_cast<const uint4*>(global);
}
INLINE void store16(void* global, uint4 value, EMULATOR_SITE) {
  emulator::checkGlobal(global, "store16", {file, line});
  *static_cast<uint4*>(global) = value;
}
INLINE uint4 loadShared16(const void* shared, EMULATOR_SITE) {
  emulator::checkShared(shared, "loadShared16", {file, line});
  return *static_cast<const uint4*>(shared);
}
INLINE void storeShared16(void* shared, uint4 value, EMULATOR_SITE) {
  emulator::checkShared(shared, "storeShared16", {file, line});
  *static_cast<uint4*>(shared) = value;
}

INLINE bf16 toBf16(float value) {
  u32 bits = bitsOf(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) {
    return {0x7fff};
  }
  return {static_cast<u16>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16)};
}
INLINE u32 packBf16(float low, float high) { return toBf16(low).bits | static_cast<u32>(toBf16(high).bits) << 16; }

INLINE u32 fmaBf16x2(u32 a, u32 b, u32 c) {
  return emulator::fmaBf16(a & 0xffffu, b & 0xffffu, c & 0xffffu) | emulator::fmaBf16(a >> 16, b >> 16, c >> 16) << 16;
}

INLINE float expFloat(float value) { return expf(value); }
INLINE float logFloat(float value) { return logf(value); }
INLINE float sinFloat(float value) { return sinf(value); }
INLINE float cosFloat(float value) { return cosf(value); }
INLINE double expDouble(double value) { return exp(value); }
INLINE double logDouble(double value) { return log(value); }
INLINE float rsqrtFloat(float value) { return 1.0f / sqrtf(value); }
INLINE int countBits(u32 value) { return __builtin_popcount(value); }

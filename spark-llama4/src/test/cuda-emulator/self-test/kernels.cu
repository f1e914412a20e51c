/// Kernels that show each intrinsic, and each rule of the scheduler, to the self-test.
#include "intrinsics.cuh"

/// Each lane's registers of four 8 x 8 matrices, plain [32][4] and transposed [32][4].
extern "C" __global__ void __launch_bounds__(32)
    self_ldmatrix(const u16* matrices, u32* plain, u32* transposed) {
  __shared__ __align__(16) u16 tile[4 * 64];
  for (int i = threadIdx.x; i < 4 * 64; i += 32) {
    tile[i] = matrices[i];
  }
  syncWarp();
  u32 r[4];
  ldmatrix4(r, tile + threadIdx.x * 8);
  for (int i = 0; i < 4; i++) {
    plain[threadIdx.x * 4 + i] = r[i];
  }
  ldmatrix4Transposed(r, tile + threadIdx.x * 8);
  for (int i = 0; i < 4; i++) {
    transposed[threadIdx.x * 4 + i] = r[i];
  }
}
EXPORT_KERNEL(self_ldmatrix)

/// c [16, 8] float32 += a [16, 16] bf16 x b [16, 8] bf16, all row-major, by the layout that intrinsics.cuh gives.
extern "C" __global__ void __launch_bounds__(32) self_mma(const bf16* a, const bf16* b, float* c) {
  int g = threadIdx.x / 4, t = threadIdx.x % 4 * 2;
  auto pairOfA = [&](int row, int column) {
    return static_cast<u32>(a[row * 16 + column].bits) | static_cast<u32>(a[row * 16 + column + 1].bits) << 16;
  };
  auto pairOfB = [&](int row, int column) {
    return static_cast<u32>(b[row * 8 + column].bits) | static_cast<u32>(b[(row + 1) * 8 + column].bits) << 16;
  };
  u32 left[4] = {pairOfA(g, t), pairOfA(g + 8, t), pairOfA(g, t + 8), pairOfA(g + 8, t + 8)};
  float sums[4] = {c[g * 8 + t], c[g * 8 + t + 1], c[(g + 8) * 8 + t], c[(g + 8) * 8 + t + 1]};
  mma16816(sums, left, pairOfB(t, g), pairOfB(t + 8, g));
  c[g * 8 + t] = sums[0];
  c[g * 8 + t + 1] = sums[1];
  c[(g + 8) * 8 + t] = sums[2];
  c[(g + 8) * 8 + t + 1] = sums[3];
}
EXPORT_KERNEL(self_mma)

/// values [32] -> of each lane: shuffleXor by 5, shuffleDown by 3, shuffle of lane (lane * 7) % 32: [32][3].
template <class T>
INLINE void exchangeAll(const T* values, T* results) {
  int lane = threadIdx.x;
  T value = values[lane];
  results[lane * 3] = shuffleXor(value, 5);
  results[lane * 3 + 1] = shuffleDown(value, 3);
  results[lane * 3 + 2] = shuffle(value, lane * 7 % 32);
}
extern "C" __global__ void __launch_bounds__(32)
    self_shuffles(const float* floats, float* floatResults, const u64* words, u64* wordResults, const double* doubles,
                  double* doubleResults, const int* ints, int* intResults, u32* ballots) {
  exchangeAll(floats, floatResults);
  exchangeAll(words, wordResults);
  exchangeAll(doubles, doubleResults);
  exchangeAll(ints, intResults);
  ballots[threadIdx.x] = ballot(ints[threadIdx.x] % 3 == 0);
}
EXPORT_KERNEL(self_shuffles)

extern "C" __global__ void __launch_bounds__(256) self_bf16(const float* values, u16* rounded, float* back, i64 count) {
  i64 i = static_cast<i64>(blockIdx.x) * 256 + threadIdx.x;
  if (i < count) {
    rounded[i] = toBf16(values[i]).bits;
    back[i] = toFloat(bf16{rounded[i]});
  }
}
EXPORT_KERNEL(self_bf16)

extern "C" __global__ void __launch_bounds__(256) self_e4m3(const float* values, u8* rounded, float* back, i64 count) {
  i64 i = static_cast<i64>(blockIdx.x) * 256 + threadIdx.x;
  if (i < count) {
    rounded[i] = toE4m3(values[i]);
    back[i] = e4m3ToFloat(rounded[i]);
  }
}
EXPORT_KERNEL(self_e4m3)

extern "C" __global__ void __launch_bounds__(256) self_e4m3_codes(float* values) {
  values[threadIdx.x] = e4m3ToFloat(static_cast<u8>(threadIdx.x));
}
EXPORT_KERNEL(self_e4m3_codes)

/// results[i] = a[i] b[i] + c[i] on pairs of bf16; unpacked [count][2] as the halves say.
extern "C" __global__ void __launch_bounds__(256)
    self_fma(const u32* a, const u32* b, const u32* c, u32* results, float* halves, i64 count) {
  i64 i = static_cast<i64>(blockIdx.x) * 256 + threadIdx.x;
  if (i < count) {
    results[i] = fmaBf16x2(a[i], b[i], c[i]);
    halves[i * 2] = lowFloat(packBf16(lowFloat(results[i]), highFloat(results[i])));
    halves[i * 2 + 1] = highFloat(packBf16(lowFloat(results[i]), highFloat(results[i])));
  }
}
EXPORT_KERNEL(self_fma)

/// What thread 0 sees at the places of three copies of 16 bytes of `source`, the second of which is not valid: at once [12], with
/// one group left [12], with none left [12].
extern "C" __global__ void __launch_bounds__(32) self_copies(const u32* source, u32* seen) {
  DYNAMIC_SHARED(u32, places);
  int own = threadIdx.x * 12;
  for (int i = 0; i < 12; i++) {
    places[own + i] = 7;
  }
  cpAsync16(places + own, source, true);
  cpAsyncCommit();
  cpAsync16(places + own + 4, source + 4, false);
  cpAsync16(places + own + 8, source + 8, true);
  cpAsyncCommit();
  for (int phase = 0; phase < 3; phase++) {
    if (phase == 1) {
      cpAsyncWait<1>();
    } else if (phase == 2) {
      cpAsyncWait<0>();
    }
    for (int i = 0; i < 12 && threadIdx.x == 0; i++) {
      seen[phase * 12 + i] = places[own + i];
    }
  }
}
EXPORT_KERNEL(self_copies)

/// Notes, in the order of their running, number of block * 1000 + thread for two parts with an exchange of the warp between them.
/// `next` is a counter, `order` [2 * threads of the grid].
extern "C" __global__ void __launch_bounds__(256) self_order(int* next, int* order) {
  order[(*next)++] = static_cast<int>(blockIdx.x * 1000 + threadIdx.x);
  syncWarp();
  order[(*next)++] = static_cast<int>(blockIdx.x * 1000 + threadIdx.x);
}
EXPORT_KERNEL(self_order)

/// places [blocks][2]: what dynamic and static shared memory hold when a block starts; then it writes them.
extern "C" __global__ void __launch_bounds__(32) self_fresh(u32* places) {
  DYNAMIC_SHARED(u32, dynamic);
  __shared__ u32 fixed[32];
  if (threadIdx.x == 0) {
    places[blockIdx.x * 2] = dynamic[0];
    places[blockIdx.x * 2 + 1] = fixed[0];
  }
  syncThreads();
  dynamic[threadIdx.x] = fixed[threadIdx.x] = 5;
}
EXPORT_KERNEL(self_fresh)

struct Pair {
  float a;
  i64 b;
};

/// Parameters of all sizes.
extern "C" __global__ void self_parameters(u8 byte, i64 whole, float single, Pair pair, u16 half, double* target) {
  target[0] = byte;
  target[1] = static_cast<double>(whole);
  target[2] = single;
  target[3] = pair.a + static_cast<double>(pair.b);
  target[4] = half;
}
EXPORT_KERNEL(self_parameters)

/// target[i] = source[i] + 1.
extern "C" __global__ void __launch_bounds__(256) self_increment(const float* source, float* target, i64 count) {
  i64 i = static_cast<i64>(blockIdx.x) * 256 + threadIdx.x;
  if (i < count) {
    target[i] = source[i] + 1;
  }
}
EXPORT_KERNEL(self_increment)

/// sums [512][2]: many products of tensor cores, to measure their speed.
extern "C" __global__ void __launch_bounds__(128) self_speed(float* sums, int products) {
  float c[4] = {0, 0, 0, 0};
  u32 a[4] = {0x3f803f80, 0x3f803f80, 0x3f803f80, 0x3f803f80};
  for (int i = 0; i < products; i++) {
    mma16816(c, a, 0x3f803f80, 0x3f803f80);
  }
  sums[threadIdx.x] = c[0] + c[1] + c[2] + c[3];
}
EXPORT_KERNEL(self_speed)

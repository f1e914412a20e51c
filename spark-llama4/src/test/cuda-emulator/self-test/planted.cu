/// Kernels with planted errors, each beside one that is right: the self-test shows that the emulator tells them apart.
#include "intrinsics.cuh"

constexpr int TILE_THREADS = 128;

/// sums[t] = sum over tiles of the value that thread (t + 37) % 128 brought of each tile; values [tiles][128][4]. Two stages.
template <bool BARRIER, int LEFT>
INLINE void sumOfTiles(const float* values, float* sums, int tiles) {
  DYNAMIC_SHARED(float, stages);  // [2][128][4]
  int t = threadIdx.x;
  auto start = [&](int tile) {
    if (tile < tiles) {
      cpAsync16(stages + (tile % 2 * TILE_THREADS + t) * 4, values + (tile * TILE_THREADS + t) * 4, true);
    }
    cpAsyncCommit();
  };
  float sum = 0;
  start(0);
  for (int tile = 0; tile < tiles; tile++) {
    start(tile + 1);
    cpAsyncWait<LEFT>();
    syncThreads();
    sum += stages[(tile % 2 * TILE_THREADS + (t + 37) % TILE_THREADS) * 4 + tile % 4];
    if (BARRIER) {
      syncThreads();
    }
  }
  cpAsyncWait<0>();
  sums[t] = sum;
}

extern "C" __global__ void __launch_bounds__(TILE_THREADS) right_tiles(const float* values, float* sums, int tiles) {
  sumOfTiles<true, 1>(values, sums, tiles);
}
EXPORT_KERNEL(right_tiles)

extern "C" __global__ void __launch_bounds__(TILE_THREADS)
    planted_missing_barrier(const float* values, float* sums, int tiles) {
  sumOfTiles<false, 1>(values, sums, tiles);
}
EXPORT_KERNEL(planted_missing_barrier)

extern "C" __global__ void __launch_bounds__(TILE_THREADS)
    planted_wait_count(const float* values, float* sums, int tiles) {
  sumOfTiles<true, 2>(values, sums, tiles);
}
EXPORT_KERNEL(planted_wait_count)

/// What each thread reads begins `offset` bytes on.
extern "C" __global__ void __launch_bounds__(32) planted_misaligned(const u8* values, u32* sums, int offset, int what) {
  DYNAMIC_SHARED(u8, tile);
  u32 r[4] = {0, 0, 0, 0};
  if (what == 0) {
    r[0] = load16(values + threadIdx.x * 16 + offset).x;
  } else if (what == 1) {
    cpAsync16(tile + threadIdx.x * 16 + offset, values + threadIdx.x * 16, true);
  } else if (what == 2) {
    cpAsync16(tile + threadIdx.x * 16, values + threadIdx.x * 16 + offset, true);
  } else if (what == 3) {
    ldmatrix4(r, tile + threadIdx.x * 16 + offset);
  } else if (what == 4) {
    store16(reinterpret_cast<u8*>(sums) + threadIdx.x * 16 + offset, uint4{1, 2, 3, 4});
  } else {
    r[0] = loadShared16(values + threadIdx.x * 16).x;  // not in shared memory
  }
  cpAsyncCommit();
  cpAsyncWait<0>();
  sums[threadIdx.x] = r[0];
}
EXPORT_KERNEL(planted_misaligned)

/// target[i] = what pointers[i / 32] points to: freed memory is not seen in the arguments.
extern "C" __global__ void __launch_bounds__(32) planted_table(const float* const* pointers, float* target) {
  target[blockIdx.x * 32 + threadIdx.x] = pointers[blockIdx.x][threadIdx.x];
}
EXPORT_KERNEL(planted_table)

/// target[i] = values[i + offset], or where `offset` is negative, a write there.
extern "C" __global__ void __launch_bounds__(32) planted_offset(const float* values, float* target, i64 offset) {
  if (offset >= 0) {
    target[threadIdx.x] = values[threadIdx.x + offset];
  } else if (threadIdx.x == 0) {
    target[-offset] = 1;
  }
}
EXPORT_KERNEL(planted_offset)

/// target[b] = what the block before this one wrote, + 1: right in one order only.
extern "C" __global__ void __launch_bounds__(32) planted_race_of_blocks(float* target) {
  if (threadIdx.x == 0) {
    target[blockIdx.x] = blockIdx.x == 0 ? 1 : target[blockIdx.x - 1] + 1;
  }
}
EXPORT_KERNEL(planted_race_of_blocks)

/// What goes wrong at barriers, by number.
extern "C" __global__ void __launch_bounds__(128) planted_barriers(int what, float* target) {
  int t = threadIdx.x;
  if (what == 0) {  // two barriers
    if (t < 64) {
      syncThreads();
    } else {
      syncThreads();
    }
  } else if (what == 1) {  // an end before it
    if (t == 5) {
      return;
    }
    syncThreads();
  } else if (what == 2) {  // two exchanges
    if (t % 2 == 0) {
      target[t] = shuffleXor(1.0f, 1);
    } else {
      target[t] = shuffleXor(2.0f, 1);
    }
  } else if (what == 3) {  // a barrier in one lane, an exchange in the others
    if (t == 40) {
      syncThreads();
    }
    syncWarp();
  } else if (what == 4) {  // copies that nobody waits for
    DYNAMIC_SHARED(float, tile);
    cpAsync16(tile + t * 4, target, true);
    cpAsyncCommit();
  } else if (what == 5) {  // a copy over another
    DYNAMIC_SHARED(float, tile);
    cpAsync16(tile + t * 4, target, true);
    cpAsync16(tile + t * 4, target, true);
  }
  target[t] = 1;
}
EXPORT_KERNEL(planted_barriers)

INLINE int deep(volatile int* depth) {
  volatile char room[512];
  room[0] = static_cast<char>(*depth);
  *depth = *depth + 1;
  return *depth > 1000000 ? room[0] : deep(depth) + room[0];
}

/// Beyond an array of a thread (0) or one that the block shares (1): what only AddressSanitizer notices.
extern "C" __global__ void __launch_bounds__(32) planted_bounds(int what, int index, int* target) {
  __shared__ int shared[32];
  volatile int own[8];
  if (what == 0) {
    own[index] = 1;
    target[threadIdx.x] = own[index];
  } else {
    shared[index] = 1;
    syncThreads();
    target[threadIdx.x] = shared[index];
  }
}
EXPORT_KERNEL(planted_bounds)

/// A stack that ends, a null pointer, an address from nowhere, writes far behind, just behind and before shared memory.
extern "C" __global__ void __launch_bounds__(32) planted_faults(int what, int* target) {
  DYNAMIC_SHARED(int, tile);
  if (what == 0) {
    target[0] = deep(target);
  } else if (what == 1) {
    *reinterpret_cast<volatile int*>(static_cast<u64>(16 + *target)) = 1;
  } else if (what == 2) {
    *reinterpret_cast<volatile int*>(static_cast<u64>(0x123456789abc0ull + *target)) = 1;
  } else if (what == 3) {
    tile[32 + threadIdx.x] = 1;
  } else if (what == 4) {
    tile[25] = 1;
  } else if (what == 5) {
    tile[-1] = 1;
  }
}
EXPORT_KERNEL(planted_faults)

/// A block of emulated threads: what kernels see of it through emulated.hpp, and what the scheduler keeps of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "fiber.hpp"

namespace emulator {

struct Dim3 {
  unsigned x = 1, y = 1, z = 1;
  uint64_t count() const { return static_cast<uint64_t>(x) * y * z; }
};

/// Where in the kernels' sources a thread waits, or started a copy.
struct Site {
  const char* file = nullptr;
  int line = 0;
  bool operator==(const Site& other) const { return line == other.line && file == other.file; }
};

struct Warp;

/// A cp.async that is not waited for yet.
struct PendingCopy {
  void* to;
  const void* from;  ///< null: zeros
  unsigned group;
  Site site;
};

struct Thread {
  Fiber fiber;
  Dim3 index;
  unsigned lane = 0;
  Warp* warp = nullptr;
  enum State { RUNNABLE, AT_WARP, AT_BLOCK, ENDED } state = RUNNABLE;
  Site site;
  unsigned groups = 0;  ///< committed
  std::vector<PendingCopy> copies;
};

/// What the last lane to arrive does for all: from `in` of each lane to `out` of each lane.
using Collective = void (*)(Warp& warp);

struct Warp {
  Thread* threads = nullptr;
  unsigned number = 0;
  uint32_t members = 0, ready = 0, arrived = 0;
  unsigned synchronized = 0;  ///< how often by syncWarp
  Collective collective = nullptr;
  Site site;
  const void* in[32];
  void* out[32];
};

enum class Schedule { IN_ORDER, RANDOM, WARP_GREEDY };

struct Kernel;

/// The launch that runs now. All is static: one thread at a time is inside the emulated driver.
struct Launch {
  const Kernel* kernel = nullptr;
  Dim3 grid, block;
  Dim3 blockIndex;
  size_t sharedBytes = 0;
  const char* arguments = nullptr;
};

extern Launch launch;
extern Thread* current;
extern unsigned numberOfBlock;   ///< in its grid
extern unsigned barriersPassed;  ///< by the block that runs
extern unsigned char* dynamicSharedMemory;

/// Lets the current thread wait for the others of its warp, the last of which does what is to be done.
void warpCollective(const void* in, void* out, Collective collective, Site site);
void blockBarrier(Site site);
/// What `syncWarp` is: the only collective that orders what lanes do to memory.
void warpBarrier(Site site);

/// Ends the launch with a report: CUDA_ERROR_LAUNCH_FAILED.
[[noreturn]] void failThread(Site site, const char* format, ...) __attribute__((format(printf, 2, 3)));

/// What `cpAsync16` and its companions do when emulated.
void startCopy(void* shared, const void* global, bool valid, Site site);
void commitCopies();
void finishCopies(unsigned groupsLeft);

/// Reports an address that is no multiple of 16, or not in shared, or not in global memory.
[[noreturn]] void failAddress(const void* address, const char* what, bool wantsShared, Site site);
bool isStaticShared(const void* address);

inline bool isShared(const void* address) {
  auto offset = static_cast<size_t>(static_cast<const unsigned char*>(address) - dynamicSharedMemory);
  return offset < launch.sharedBytes || isStaticShared(address);
}

/// Refuses what is no address of 16 aligned bytes of shared memory.
inline void checkShared(const void* address, const char* what, Site site) {
  if (reinterpret_cast<uintptr_t>(address) % 16 != 0 || !isShared(address)) {
    failAddress(address, what, true, site);
  }
}

/// The same for what is not shared.
inline void checkGlobal(const void* address, const char* what, Site site) {
  if (reinterpret_cast<uintptr_t>(address) % 16 != 0 || isShared(address)) {
    failAddress(address, what, false, site);
  }
}

}  // namespace emulator

/// Every access of a kernel looked at: data races, whatever the schedule, bounds to the byte, shared memory that nobody wrote.
///
/// The compiler puts a call before each access of the kernels (its option is the one of ThreadSanitizer, whose library is not
/// used). Two accesses of a byte, one of them a write, by two threads are a race unless a barrier of the block, or within a
/// warp `syncWarp`, is between them; between blocks there is nothing that orders them. Exchanges order nothing, as on a GPU.
#pragma once

#include <cstddef>

#include "block.hpp"

namespace emulator {

#if defined(EMULATOR_RACES)
/// An access of the current thread that the compiler does not see.
void noteAccess(const void* address, size_t bytes, bool write, Site site);
void beginRaces();
void endRaces();
#else
inline void noteAccess(const void*, size_t, bool, Site) {}
inline void beginRaces() {}
inline void endRaces() {}
#endif

}  // namespace emulator

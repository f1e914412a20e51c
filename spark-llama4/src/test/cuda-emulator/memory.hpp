/// Device and pinned memory: every allocation between pages that cannot be touched, and never at the same address twice.
///
/// Device memory is inaccessible unless emulated work runs that may use it. What may be used is decided at the first touch, by
/// the handler of the fault, so that host code that reads device memory faults, as does a kernel that uses another device's
/// without peer access. The first touch also fills it with bytes that nobody wrote.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

namespace emulator {

constexpr int HOST = -1;

struct Allocation {
  uintptr_t address = 0;
  size_t bytes = 0;
  int device = HOST;
  int owner = HOST;  ///< device whose context it ends with
  uintptr_t firstPage = 0;
  size_t pageBytes = 0;
  std::vector<bool> filled;  ///< for each chunk of its pages
  unsigned char fresh = 0;   ///< what nobody has written of it
};

/// True in all that is or ever was handed out.
bool reservedAddress(uintptr_t address);

/// Where it all is.
uintptr_t startOfMemory();
size_t sizeOfMemory();

/// Memory of a device, or pinned memory of the host, that ends with the context of `owner`; null where the reserved
/// addresses are used up.
const Allocation* allocate(int device, int owner, size_t bytes);
/// Memory at an address that another process had, whose memory begins where this one's does.
bool allocateAt(uintptr_t address, int device, int owner, size_t bytes);
/// The allocation that starts at the address, or null.
const Allocation* allocationAt(uintptr_t address);
/// The live allocation that holds all of [address, address + bytes), or null; the byte after its end counts where bytes = 0.
const Allocation* allocationAround(uintptr_t address, size_t bytes);
/// False where somebody wrote beside it, which is reported.
bool release(const Allocation* allocation);
/// Where the address lies in what was allocated or freed, for reports. The text is that of the last call.
const char* describeAddress(uintptr_t address);

const std::map<uintptr_t, Allocation>& liveAllocations();

/// Whose memory the work that runs now may use.
struct Access {
  bool everything = false;  ///< copies
  int device = HOST;
  const std::set<int>* peers = nullptr;
};
/// Hides what other work was shown where that may use less.
void setAccess(const Access& access);
/// Called by the handler of faults: true where the memory may be used, and is shown now.
bool reveal(uintptr_t address);
/// After work: all device memory is hidden from the host.
void hideAll();

/// What nobody has written of memory that is allocated from now on: 0xff, which makes NaN of floats, or 0 for kernels that
/// do nothing.
extern int freshByte;
/// A power of two; the start of each allocation is a multiple.
extern size_t alignmentOfMemory;
/// Whether device memory is hidden when no work runs.
extern bool hiding;

}  // namespace emulator

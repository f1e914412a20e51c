/// Device and pinned memory: every allocation between pages that cannot be touched, and never at the same address twice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace emulator {

struct Allocation {
  uintptr_t address = 0;
  size_t bytes = 0;
  int device = -1;  ///< -1: pinned host memory
};

/// True in all that is or ever was handed out.
bool reservedAddress(uintptr_t address);

/// null where the reserved addresses are used up.
const Allocation* allocate(int device, size_t bytes);
/// The allocation that starts at the address, or null.
const Allocation* allocationAt(uintptr_t address);
/// The live allocation that holds all of [address, address + bytes), or null; the byte after its end counts where bytes = 0.
const Allocation* allocationAround(uintptr_t address, size_t bytes);
void release(const Allocation* allocation);
/// Where the address lies in what was allocated or freed, for reports.
std::string describeAddress(uintptr_t address);

const std::map<uintptr_t, Allocation>& liveAllocations();

/// What unwritten memory holds: 0xff, which makes NaN of floats, or 0 for kernels that do nothing.
extern int freshByte;

/// Memory for a block's shared variables, `bytes` that end where nothing can be touched.
unsigned char* sharedMemory(size_t bytes);

}  // namespace emulator

/// Shared memory of the block that runs, and copies into it.
#pragma once

#include <cstddef>

#include "block.hpp"

namespace emulator {

/// Makes all shared memory what a GPU's may be when a block starts: anything but what kernels want.
void poisonShared(size_t dynamicBytes);

/// After the block: false where it wrote beside its dynamic shared memory.
bool sharedIsWhole();

/// How many bytes may ever be shared, and which of them the address is; false: none.
size_t sharedAddresses();
bool sharedOffset(const void* address, size_t& offset);

/// The current thread ends: nothing may still be copied for it.
void checkNoCopies();

}  // namespace emulator

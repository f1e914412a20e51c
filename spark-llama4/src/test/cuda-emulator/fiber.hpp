/// Fibers: a stack and the place where its code stopped.
#pragma once

#include <cstddef>

namespace emulator {

/// Leaves the running fiber, whose place is stored at `from`, and goes on at `to`.
void switchFiber(void** from, void* to);

/// The first place of a fiber that runs `entry`, which must never return, on a stack of `bytes` that begins at `stack`.
void* startOfFiber(char* stack, size_t bytes, void (*entry)());

}  // namespace emulator

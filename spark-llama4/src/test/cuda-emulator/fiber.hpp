/// Fibers: a stack and the place where its code stopped.
#pragma once

#include <cstddef>

namespace emulator {

struct Fiber {
  void* stackPointer = nullptr;
  char* stack = nullptr;  ///< its lowest byte
  size_t stackBytes = 0;
  void* fakeStack = nullptr;  ///< of AddressSanitizer
};

/// Leaves `from`, which runs, and goes on where `to` stopped.
void switchFiber(Fiber& from, Fiber& to);

/// Lets the fiber begin on its stack with `entry`, which never returns and whose first call is `fiberBegins`.
void startFiber(Fiber& fiber, void (*entry)());
void fiberBegins();

/// The code that runs is the fiber's: what AddressSanitizer is told after a jump out of another one.
void fiberIs(Fiber& fiber);

}  // namespace emulator

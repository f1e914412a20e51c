/// Faults of emulated code: signals that the processor raises while a kernel or a copy runs.
#pragma once

#include <csetjmp>
#include <cstdint>

namespace emulator {

struct Fault {
  int signal;
  uintptr_t address;
  uintptr_t instruction;  ///< relative to the start of this library
};

/// Of the last `guarded` that returned false.
extern Fault lastFault;
extern sigjmp_buf* activeGuard;

/// Where in this library, or program, the instruction is.
uintptr_t offsetInLibrary(const void* instruction);

/// Takes the signals, keeping who had them; what is not ours goes there.
void installFaultHandler();

void enterGuard(sigjmp_buf* guard);
void leaveGuard();

/// Runs `work`: false where it faulted.
template <class F>
bool guarded(F work) {
  sigjmp_buf here;
  if (sigsetjmp(here, 1) != 0) {
    leaveGuard();
    return false;
  }
  enterGuard(&here);
  work();
  leaveGuard();
  return true;
}

}  // namespace emulator

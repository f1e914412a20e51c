/// Runs the blocks of a launch, one after the other.
#pragma once

#include <cstdint>

#include "block.hpp"

namespace emulator {

extern Schedule schedule;
void seedSchedule(uint64_t seed);
/// A number below `bound` from the generator that all schedules share.
uint64_t randomBelow(uint64_t bound);

/// For faults: whether the address is in the stacks of emulated threads, or between them.
bool isThreadStack(uintptr_t address);

/// 0, or the error of the launch, which is reported.
int runLaunch(const Launch& toRun);

}  // namespace emulator

/// Launches written to files with the memory they see, so that other builds of the kernels can run them again.
#pragma once

#include <string>

#include "block.hpp"

namespace emulator {

/// Launches are written to this folder, which exists, of each kernel some that differ in grid or block; empty: not at all.
void recordTo(const std::string& folder);

/// Writes the launch that is to run now, if it is one of those.
void record(const Launch& launch);

struct Replay {
  std::string error;    ///< what is wrong with the file or the launch; empty: nothing
  std::string kernel;
  uint64_t digest = 0;  ///< of all memory after the launch
};

/// Runs a launch of a file in a process that has no device memory; with one after the other schedule it must do the same.
Replay replay(const std::string& file);

}  // namespace emulator

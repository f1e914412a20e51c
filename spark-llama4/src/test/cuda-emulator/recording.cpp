#include "recording.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <set>

#include "faults.hpp"
#include "memory.hpp"
#include "registry.hpp"
#include "report.hpp"
#include "scheduler.hpp"

namespace emulator {

namespace {

constexpr size_t MOST_OF_KERNEL = 6;
constexpr size_t MOST_BYTES = size_t{64} << 20;
constexpr char MAGIC[8] = {'l', 'a', 'u', 'n', 'c', 'h', '0', '1'};

std::string folder = getenv("EMULATED_CUDA_RECORD") == nullptr ? "" : getenv("EMULATED_CUDA_RECORD");
std::map<std::string, std::set<std::string>> recorded;  ///< grids and blocks of each kernel

struct Close {
  void operator()(FILE* file) const { fclose(file); }
};
using File = std::unique_ptr<FILE, Close>;

struct Header {
  char magic[8];
  char kernel[200];
  Dim3 grid, block;
  uint64_t sharedBytes, argumentBytes, allocations;
};

struct StoredAllocation {
  uint64_t address, bytes;
  int32_t device, owner;
  uint64_t present;  ///< whether its bytes follow; else nobody has touched them
};

bool anyFilled(const Allocation& allocation) {
  for (bool filled : allocation.filled) {
    if (filled) {
      return true;
    }
  }
  return false;
}

size_t bytesToStore() {
  size_t bytes = 0;
  for (auto& each : liveAllocations()) {
    bytes += anyFilled(each.second) ? each.second.bytes : 0;
  }
  return bytes;
}

bool write(FILE* file, const Launch& launch) {
  Header header = {};
  memcpy(header.magic, MAGIC, sizeof MAGIC);
  snprintf(header.kernel, sizeof header.kernel, "%s", launch.kernel->name);
  header.grid = launch.grid;
  header.block = launch.block;
  header.sharedBytes = launch.sharedBytes;
  header.argumentBytes = launch.kernel->argumentBytes;
  header.allocations = liveAllocations().size();
  bool whole = fwrite(&header, sizeof header, 1, file) == 1 &&
               (header.argumentBytes == 0 || fwrite(launch.arguments, header.argumentBytes, 1, file) == 1);
  std::vector<char> bytes;
  for (auto& [address, allocation] : liveAllocations()) {
    StoredAllocation stored = {address, allocation.bytes, allocation.device, allocation.owner, anyFilled(allocation)};
    whole = whole && fwrite(&stored, sizeof stored, 1, file) == 1;
    if (stored.present != 0) {
      bytes.resize(allocation.bytes);
      whole = whole && guarded([&] { memcpy(bytes.data(), reinterpret_cast<const void*>(address), bytes.size()); }) &&
              fwrite(bytes.data(), bytes.size(), 1, file) == 1;
    }
  }
  return whole;
}

/// Makes the file's memory; empty, or what is wrong.
std::string restore(FILE* file, const Header& header) {
  std::vector<char> bytes;
  for (uint64_t i = 0; i < header.allocations; i++) {
    StoredAllocation stored;
    if (fread(&stored, sizeof stored, 1, file) != 1) {
      return "ends early";
    }
    if (!allocateAt(stored.address, stored.device, stored.owner, stored.bytes)) {
      return "has memory at an address that cannot be had here";
    }
    if (stored.present == 0) {
      continue;
    }
    bytes.resize(stored.bytes);
    if (fread(bytes.data(), bytes.size(), 1, file) != 1) {
      return "ends early";
    }
    setAccess({true, 0, nullptr});
    if (!guarded([&] { memcpy(reinterpret_cast<void*>(stored.address), bytes.data(), bytes.size()); })) {
      return "has memory that cannot be filled";
    }
  }
  return "";
}

/// FNV-1a of all that was touched.
uint64_t digestOfMemory() {
  uint64_t digest = 0xcbf29ce484222325ull;
  setAccess({true, 0, nullptr});
  guarded([&] {
    for (auto& each : liveAllocations()) {
      const Allocation& allocation = each.second;
      for (size_t i = 0; anyFilled(allocation) && i < allocation.bytes; i++) {
        digest = (digest ^ reinterpret_cast<const unsigned char*>(allocation.address)[i]) * 0x100000001b3ull;
      }
    }
  });
  return digest;
}

}  // namespace

void recordTo(const std::string& where) {
  folder = where;
  recorded.clear();
}

void record(const Launch& launch) {
  if (folder.empty()) {
    return;
  }
  auto& known = recorded[launch.kernel->name];
  char shape[100];
  snprintf(shape, sizeof shape, "%ux%ux%u-%ux%ux%u-%zu", launch.grid.x, launch.grid.y, launch.grid.z, launch.block.x,
           launch.block.y, launch.block.z, launch.sharedBytes);
  if (known.size() >= MOST_OF_KERNEL || known.count(shape) != 0 || bytesToStore() > MOST_BYTES) {
    return;
  }
  known.insert(shape);
  std::string name = folder + "/" + launch.kernel->name + "-" + shape + ".launch";
  File file(fopen(name.c_str(), "wb"));
  if (file == nullptr || !write(file.get(), launch) || fflush(file.get()) != 0) {
    fprintf(stderr, "emulated CUDA: cannot write %s\n", name.c_str());
    abort();
  }
}

Replay replay(const std::string& name) {
  Replay result;
  Header header;
  File file(fopen(name.c_str(), "rb"));
  if (file == nullptr || fread(&header, sizeof header, 1, file.get()) != 1 ||
      memcmp(header.magic, MAGIC, sizeof MAGIC) != 0) {
    result.error = "is no recorded launch";
    return result;
  }
  result.kernel = std::string(header.kernel, strnlen(header.kernel, sizeof header.kernel));
  auto found = kernels().find(result.kernel);
  if (found == kernels().end() || found->second.argumentBytes != header.argumentBytes) {
    result.error = "has a kernel that is not here, or takes other arguments now";
    return result;
  }
  std::vector<char> arguments(header.argumentBytes + 1);
  if (header.argumentBytes != 0 && fread(arguments.data(), header.argumentBytes, 1, file.get()) != 1) {
    result.error = "ends early";
    return result;
  }
  result.error = restore(file.get(), header);
  if (!result.error.empty()) {
    return result;
  }
  Launch launch;
  launch.kernel = &found->second;
  launch.grid = header.grid;
  launch.block = header.block;
  launch.sharedBytes = header.sharedBytes;
  launch.arguments = arguments.data();
  setAccess({true, 0, nullptr});
  if (runLaunch(launch) != 0) {
    result.error = lastReport();
    return result;
  }
  result.digest = digestOfMemory();
  return result;
}

}  // namespace emulator

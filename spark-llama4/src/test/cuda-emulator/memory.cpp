#include "memory.hpp"

#include <cstring>
#include <sys/mman.h>

#include "report.hpp"

namespace emulator {

int freshByte = 0xff;

namespace {

constexpr size_t PAGE = 4096;
constexpr size_t ALIGNMENT = 256;
constexpr size_t RESERVED = size_t{1} << 44;

uintptr_t arena, next;
std::map<uintptr_t, Allocation> live, freed;

size_t up(size_t value, size_t unit) { return (value + unit - 1) / unit * unit; }

bool reserve() {
  if (arena == 0) {
    void* address = mmap(nullptr, RESERVED, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (address == MAP_FAILED) {
      return false;
    }
    arena = reinterpret_cast<uintptr_t>(address);
    next = arena + PAGE;
  }
  return true;
}

const Allocation* lastAtOrBefore(const std::map<uintptr_t, Allocation>& all, uintptr_t address) {
  auto after = all.upper_bound(address);
  return after == all.begin() ? nullptr : &std::prev(after)->second;
}

}  // namespace

bool reservedAddress(uintptr_t address) { return arena != 0 && address >= arena && address < arena + RESERVED; }

const Allocation* allocate(int device, size_t bytes) {
  size_t pages = up(up(bytes, ALIGNMENT), PAGE);
  if (!reserve() || arena + RESERVED - next < pages + PAGE) {
    return nullptr;
  }
  uintptr_t start = next;
  if (mprotect(reinterpret_cast<void*>(start), pages, PROT_READ | PROT_WRITE) != 0) {
    return nullptr;
  }
  next += pages + PAGE;
  memset(reinterpret_cast<void*>(start), freshByte, pages);
  uintptr_t address = start + pages - up(bytes, ALIGNMENT);
  return &(live[address] = Allocation{address, bytes, device});
}

const Allocation* allocationAt(uintptr_t address) {
  auto found = live.find(address);
  return found == live.end() ? nullptr : &found->second;
}

const Allocation* allocationAround(uintptr_t address, size_t bytes) {
  const Allocation* found = lastAtOrBefore(live, address);
  return found != nullptr && address - found->address <= found->bytes && bytes <= found->bytes - (address - found->address)
             ? found
             : nullptr;
}

void release(const Allocation* allocation) {
  uintptr_t start = allocation->address / PAGE * PAGE;
  size_t pages = up(allocation->address + allocation->bytes, PAGE) - start;
  mmap(reinterpret_cast<void*>(start), pages, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  freed[allocation->address] = *allocation;
  live.erase(allocation->address);
}

std::string describeAddress(uintptr_t address) {
  char text[200];
  const Allocation* best = nullptr;
  bool gone = false;
  for (const auto* all : {&live, &freed}) {
    const Allocation* found = lastAtOrBefore(*all, address);
    if (found != nullptr && (best == nullptr || found->address > best->address)) {
      best = found;
      gone = all == &freed;
    }
  }
  if (!reservedAddress(address)) {
    snprintf(text, sizeof text, "0x%zx, no device memory", address);
  } else if (best == nullptr) {
    snprintf(text, sizeof text, "0x%zx, before all device memory", address);
  } else {
    snprintf(text, sizeof text, "0x%zx, %zu bytes after the start of %s of %zu bytes on %s %d", address,
             address - best->address, gone ? "freed memory" : "an allocation", best->bytes,
             best->device < 0 ? "the host" : "device", best->device);
  }
  return text;
}

const std::map<uintptr_t, Allocation>& liveAllocations() { return live; }

unsigned char* sharedMemory(size_t bytes) {
  constexpr size_t MOST = 256 * 1024;
  static unsigned char* end = [] {
    auto start = static_cast<unsigned char*>(
        mmap(nullptr, MOST + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(start + PAGE, MOST, PROT_READ | PROT_WRITE);
    return start + PAGE + MOST;
  }();
  return end - up(bytes, 128);
}

}  // namespace emulator

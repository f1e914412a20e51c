#include "memory.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <sys/mman.h>

#include "report.hpp"

namespace emulator {

int freshByte = 0xff;
size_t alignmentOfMemory = 256;
bool hiding = true;

namespace {

constexpr size_t PAGE = 4096;
constexpr size_t CHUNK = size_t{1} << 20;
#if defined(__SANITIZE_ADDRESS__) || defined(EMULATOR_RACES)
constexpr size_t RESERVED = size_t{1} << 40;  // of which something is kept for each byte
#else
constexpr size_t RESERVED = size_t{1} << 44;
#endif

/// Where nothing else is as a rule; recorded launches run again only if the memory is at the same place.
constexpr uintptr_t USUAL_START = 0x200000000000;

struct Shown {
  uintptr_t start;
  size_t bytes;
  int device;
};

uintptr_t arena, next;
std::map<uintptr_t, Allocation> live, freed;
std::vector<Shown> shown;
Access access;

size_t up(size_t value, size_t unit) { return (value + unit - 1) / unit * unit; }

bool protect(uintptr_t start, size_t bytes, int protection) {
  return mprotect(reinterpret_cast<void*>(start), bytes, protection) == 0;
}

bool reserve() {
  if (arena == 0) {
    void* address = mmap(reinterpret_cast<void*>(USUAL_START), RESERVED, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (address == MAP_FAILED) {
      return false;
    }
    arena = reinterpret_cast<uintptr_t>(address);
    next = arena + PAGE;
  }
  return true;
}

Allocation* lastAtOrBefore(std::map<uintptr_t, Allocation>& all, uintptr_t address) {
  auto after = all.upper_bound(address);
  return after == all.begin() ? nullptr : &std::prev(after)->second;
}

/// The live allocation that has the page.
Allocation* ownerOfPage(uintptr_t address) {
  Allocation* found = lastAtOrBefore(live, address | (PAGE - 1));
  return found != nullptr && address >= found->firstPage && address < found->firstPage + found->pageBytes ? found : nullptr;
}

bool mayUse(int device) {
  return access.everything || device == access.device || device == HOST ||
         (access.peers != nullptr && access.peers->count(device) != 0);
}

bool show(Allocation& allocation, size_t chunk) {
  uintptr_t start = allocation.firstPage + chunk * CHUNK;
  size_t bytes = std::min(CHUNK, allocation.firstPage + allocation.pageBytes - start);
  if (!protect(start, bytes, PROT_READ | PROT_WRITE)) {
    return false;
  }
  if (!allocation.filled[chunk]) {
    if (allocation.fresh != 0) {  // The pages are zero.
      memset(reinterpret_cast<void*>(start), allocation.fresh, bytes);
    }
    allocation.filled[chunk] = true;
  }
  if (allocation.device != HOST) {
    shown.push_back({start, bytes, allocation.device});
  }
  return true;
}

const Allocation* add(const Allocation& allocation) {
  Allocation& made = live[allocation.address] = allocation;
  made.fresh = static_cast<unsigned char>(freshByte);
  for (size_t chunk = 0; made.device == HOST && chunk < made.filled.size(); chunk++) {
    if (!show(made, chunk)) {
      live.erase(allocation.address);
      return nullptr;
    }
  }
  return &made;
}

/// Whether all filled bytes of a page in [from, to) are as they were.
bool untouched(const Allocation& allocation, uintptr_t from, uintptr_t to) {
  for (uintptr_t byte = from; byte < to; byte++) {
    if (allocation.filled[(byte - allocation.firstPage) / CHUNK] &&
        *reinterpret_cast<const unsigned char*>(byte) != allocation.fresh) {
      return false;
    }
  }
  return true;
}

}  // namespace

bool reservedAddress(uintptr_t address) { return arena != 0 && address >= arena && address < arena + RESERVED; }

uintptr_t startOfMemory() { return arena; }
size_t sizeOfMemory() { return RESERVED; }

const Allocation* allocate(int device, int owner, size_t bytes) {
  size_t pages = up(bytes, PAGE);
  if (!reserve() || arena + RESERVED - next < pages + PAGE) {
    return nullptr;
  }
  uintptr_t start = next;
  next += pages + PAGE;
  // At the end of its pages: what reads on meets the page after them.
  uintptr_t address = start + pages - up(bytes, alignmentOfMemory);
  return add({address, bytes, device, owner, start, pages, std::vector<bool>((pages + CHUNK - 1) / CHUNK)});
}

bool allocateAt(uintptr_t address, int device, int owner, size_t bytes) {
  uintptr_t start = address / PAGE * PAGE;
  size_t pages = up(address + bytes, PAGE) - start;
  if (!reserve() || start <= arena || start + pages + PAGE > arena + RESERVED || ownerOfPage(start) != nullptr) {
    return false;
  }
  next = std::max(next, start + pages + PAGE);
  return add({address, bytes, device, owner, start, pages, std::vector<bool>((pages + CHUNK - 1) / CHUNK)}) != nullptr;
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

bool release(const Allocation* allocation) {
  Allocation gone = *allocation;
  protect(gone.firstPage, gone.pageBytes, PROT_READ);
  bool clean = untouched(gone, gone.firstPage, gone.address) &&
               untouched(gone, gone.address + gone.bytes, gone.firstPage + gone.pageBytes);
  if (!clean) {
    report("somebody wrote just before or behind the %zu bytes at 0x%zx", gone.bytes, gone.address);
  }
  shown.erase(std::remove_if(shown.begin(), shown.end(),
                             [&](const Shown& each) {
                               return each.start >= gone.firstPage && each.start < gone.firstPage + gone.pageBytes;
                             }),
              shown.end());
  mmap(reinterpret_cast<void*>(gone.firstPage), gone.pageBytes, PROT_NONE,
       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  live.erase(gone.address);
  gone.filled.clear();
  freed[gone.address] = gone;
  return clean;
}

void setAccess(const Access& wanted) {
  access = wanted;
  size_t kept = 0;
  for (const Shown& each : shown) {
    if (mayUse(each.device)) {
      shown[kept++] = each;
    } else {
      protect(each.start, each.bytes, PROT_NONE);
    }
  }
  shown.resize(kept);
}

bool reveal(uintptr_t address) {
  Allocation* owner = ownerOfPage(address);
  return owner != nullptr && mayUse(owner->device) && show(*owner, (address - owner->firstPage) / CHUNK);
}

void hideAll() {
  if (hiding) {
    for (const Shown& each : shown) {
      protect(each.start, each.bytes, PROT_NONE);
    }
    shown.clear();
  }
}

const char* describeAddress(uintptr_t address) {
  const Allocation* best = nullptr;
  bool gone = false;
  for (auto* all : {&live, &freed}) {
    const Allocation* found = lastAtOrBefore(*all, address);
    if (found != nullptr && (best == nullptr || found->address > best->address)) {
      best = found;
      gone = all == &freed;
    }
  }
  static char text[200];  // Threads that end in a report never leave their functions: nothing may wait for that.
  if (!reservedAddress(address)) {
    snprintf(text, sizeof text, "0x%zx, which is no device memory", address);
  } else if (best == nullptr) {
    snprintf(text, sizeof text, "0x%zx, before all device memory", address);
  } else {
    char owner[30];
    snprintf(owner, sizeof owner, best->device == HOST ? "the host" : "device %d", best->device);
    snprintf(text, sizeof text, "0x%zx, %zu bytes after the start of %s of %zu bytes on %s", address,
             address - best->address, gone ? "freed memory" : "an allocation", best->bytes, owner);
  }
  return text;
}

const std::map<uintptr_t, Allocation>& liveAllocations() { return live; }

}  // namespace emulator

#include "shared.hpp"

#include <cstring>
#include <sys/mman.h>

#include "memory.hpp"
#include "races.hpp"

// Set by shared.ld; the library that looks for errors with AddressSanitizer is linked without it.
extern "C" __attribute__((visibility("hidden"), weak)) unsigned char emulatedSharedStart[], emulatedSharedEnd[];
extern "C" __attribute__((visibility("hidden"))) const unsigned char __ehdr_start[], _end[];

namespace emulator {

unsigned char* dynamicSharedMemory;

namespace {

constexpr size_t BESIDE = 128;  ///< bytes before and after dynamic shared memory that nobody may change
constexpr size_t PAGE = 4096;
constexpr size_t MOST = 256 * 1024;  ///< more than any device has

/// After it is a page that cannot be touched, as is before the most that a block may have.
unsigned char* endOfDynamic() {
  static unsigned char* end = [] {
    auto start = static_cast<unsigned char*>(
        mmap(nullptr, MOST + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(start + PAGE, MOST, PROT_READ | PROT_WRITE);
    return start + PAGE + MOST;
  }();
  return end;
}

}  // namespace

static size_t staticBytes() {
  return emulatedSharedStart == nullptr ? 0 : static_cast<size_t>(emulatedSharedEnd - emulatedSharedStart);
}

void poisonShared(size_t dynamicBytes) {
  size_t bytes = (dynamicBytes + 127) / 128 * 128;
  dynamicSharedMemory = endOfDynamic() - bytes;
  memset(dynamicSharedMemory - BESIDE, 0xff, bytes + BESIDE);
  if (emulatedSharedStart != nullptr) {
    memset(emulatedSharedStart, 0xff, staticBytes());
  }
}

bool sharedIsWhole() {
  bool whole = true;
  for (const unsigned char* byte = dynamicSharedMemory - BESIDE; byte < dynamicSharedMemory; byte++) {
    whole = whole && *byte == 0xff;
  }
  for (const unsigned char* byte = dynamicSharedMemory + launch.sharedBytes; byte < endOfDynamic(); byte++) {
    whole = whole && *byte == 0xff;
  }
  return whole;
}

bool isStaticShared(const void* address) {
  auto byte = static_cast<const unsigned char*>(address);
  return emulatedSharedStart != nullptr ? byte >= emulatedSharedStart && byte < emulatedSharedEnd
                                        : byte >= __ehdr_start && byte < _end;
}

size_t sharedAddresses() { return MOST + staticBytes(); }

bool sharedOffset(const void* address, size_t& offset) {
  auto byte = static_cast<const unsigned char*>(address);
  if (byte >= endOfDynamic() - MOST && byte < endOfDynamic()) {
    offset = static_cast<size_t>(byte - (endOfDynamic() - MOST));
    return true;
  }
  offset = MOST + static_cast<size_t>(byte - emulatedSharedStart);
  return emulatedSharedStart != nullptr && byte >= emulatedSharedStart && byte < emulatedSharedEnd;
}

void failAddress(const void* address, const char* what, bool wantsShared, Site site) {
  if (reinterpret_cast<uintptr_t>(address) % 16 != 0) {
    failThread(site, "%s at %p, which is no multiple of 16", what, address);
  }
  failThread(site, "%s at %p, which is %s shared memory of the block", what, address, wantsShared ? "not in the" : "in");
}

void startCopy(void* shared, const void* global, bool valid, Site site) {
  checkShared(shared, "cp.async to", site);
  checkGlobal(global, "cp.async from", site);
  if (!valid && allocationAround(reinterpret_cast<uintptr_t>(global), 0) == nullptr) {
    failThread(site, "cp.async of zeros from %s", describeAddress(reinterpret_cast<uintptr_t>(global)));
  }
  for (const PendingCopy& copy : current->copies) {
    if (copy.to == shared) {
      failThread(site, "cp.async to where another of the same thread, of %s:%d, is on its way", copy.site.file,
                 copy.site.line);
    }
  }
  noteAccess(shared, 16, true, site);
  current->copies.push_back({shared, valid ? global : nullptr, current->groups, site});
  memset(shared, 0xff, 16);
}

void commitCopies() { current->groups++; }

void finishCopies(unsigned groupsLeft) {
  auto& copies = current->copies;
  size_t kept = 0;
  for (size_t i = 0; i < copies.size(); i++) {
    const PendingCopy copy = copies[i];
    if (copy.group + groupsLeft >= current->groups) {
      copies[kept++] = copy;
      continue;
    }
    current->site = copy.site;
    if (copy.from != nullptr) {
      noteAccess(copy.from, 16, false, copy.site);
    }
    noteAccess(copy.to, 16, true, copy.site);
    if (copy.from != nullptr) {
      memcpy(copy.to, copy.from, 16);
    } else {
      memset(copy.to, 0, 16);
    }
  }
  copies.resize(kept);
}

void checkNoCopies() {
  if (!current->copies.empty()) {
    failThread(current->copies.front().site, "ended without waiting for its cp.async");
  }
}

}  // namespace emulator

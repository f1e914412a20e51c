#include "races.hpp"

#if defined(EMULATOR_RACES)

#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "faults.hpp"
#include "memory.hpp"
#include "registry.hpp"
#include "shared.hpp"

namespace emulator {

namespace {

/// An access: 0, or the thread that did it and how many barriers were before it.
using Mark = uint64_t;

Mark mark(unsigned block, const Thread& thread) {
  unsigned number = thread.warp->number * 32 + thread.lane;
  return static_cast<uint64_t>(block + 1) << 34 | static_cast<uint64_t>(number) << 24 |
         static_cast<uint64_t>(barriersPassed & 0xfff) << 12 | (thread.warp->synchronized & 0xfff);
}
uint64_t blockOf(Mark mark) { return mark >> 34; }
unsigned threadOf(Mark mark) { return mark >> 24 & 0x3ff; }
unsigned barriersOf(Mark mark) { return mark >> 12 & 0xfff; }

/// Of each byte.
struct Cell {
  Mark written;
  Mark read, readByAnother;  ///< the last two reads of different threads
  Mark readInAnother;        ///< and one of another block than the last
};

bool unordered(Mark before, Mark now) {
  if (before == 0 || before >> 24 == now >> 24) {  // the same thread
    return false;
  }
  if (blockOf(before) != blockOf(now)) {
    return true;
  }
  bool sameWarp = threadOf(before) / 32 == threadOf(now) / 32;
  return barriersOf(before) == barriersOf(now) && !(sameWarp && (before & 0xfff) != (now & 0xfff));
}

Cell* cellsOfGlobal;
std::vector<Cell> cellsOfShared;
const Allocation* lastAllocation;
std::vector<uintptr_t> touched;  ///< chunks of global memory
constexpr size_t CHUNK = size_t{1} << 16;

[[noreturn]] void fail(const void* address, size_t bytes, bool write, Mark other, const char* did, Site site,
                       const void* instruction) {
  const char* what = isShared(address) ? "shared memory" : describeAddress(reinterpret_cast<uintptr_t>(address));
  failThread(site, "data race: %s %zu bytes at %p (%s), which thread %u of block %llu %s with no barrier between; "
             "instruction 0x%zx of the library", write ? "writes" : "reads", bytes, address, what, threadOf(other),
             static_cast<unsigned long long>(blockOf(other) - 1), did, offsetInLibrary(instruction));
}

/// The cells of the bytes; null for what only one thread has. Ends the launch where the bytes are no memory of the kernel's.
Cell* cellsOf(const void* address, size_t bytes, Site site, const void* instruction) {
  auto position = reinterpret_cast<uintptr_t>(address);
  size_t offset;
  if (sharedOffset(address, offset)) {
    auto end = static_cast<const unsigned char*>(address) + bytes;
    if (!isShared(address) || !isShared(end - 1)) {
      failThread(site, "uses %zu bytes at %p, beside its shared memory; instruction 0x%zx of the library", bytes, address,
                 offsetInLibrary(instruction));
    }
    return &cellsOfShared[offset];
  }
  if (!reservedAddress(position)) {
    return nullptr;
  }
  if (lastAllocation == nullptr || position < lastAllocation->address ||
      position + bytes > lastAllocation->address + lastAllocation->bytes) {
    lastAllocation = allocationAround(position, bytes);
    if (lastAllocation == nullptr) {
      failThread(site, "uses %zu bytes at %s; instruction 0x%zx of the library", bytes, describeAddress(position),
                 offsetInLibrary(instruction));
    }
  }
  uintptr_t chunk = (position - startOfMemory()) / CHUNK;
  if (touched.empty() || touched.back() != chunk) {
    touched.push_back(chunk);
  }
  return cellsOfGlobal + (position - startOfMemory());
}

void access(const void* address, size_t bytes, bool write, Site site, const void* instruction) {
  Cell* cells = cellsOf(address, bytes, site, instruction);
  if (cells == nullptr) {
    return;
  }
  bool shared = !reservedAddress(reinterpret_cast<uintptr_t>(address));
  Mark now = mark(numberOfBlock, *current);
  for (size_t i = 0; i < bytes; i++) {
    Cell& cell = cells[i];
    if (shared && blockOf(std::max(cell.written, cell.read)) != blockOf(now)) {
      cell = {};  // what an earlier block left
    }
    if (unordered(cell.written, now)) {
      fail(address, bytes, write, cell.written, "wrote", site, instruction);
    }
    if (write) {
      for (Mark read : {cell.read, cell.readByAnother, cell.readInAnother}) {
        if (unordered(read, now)) {
          fail(address, bytes, write, read, "read", site, instruction);
        }
      }
      cell.written = now;
      continue;
    }
    if (shared && cell.written == 0) {
      failThread(site, "reads shared memory at %p that no thread of its block wrote; instruction 0x%zx of the library",
                 static_cast<const char*>(address) + i, offsetInLibrary(instruction));
    }
    if (cell.read >> 24 != now >> 24) {
      if (blockOf(cell.read) != blockOf(now) && cell.read != 0) {
        cell.readInAnother = cell.read;
      }
      cell.readByAnother = cell.read;
    }
    cell.read = now;
  }
}

}  // namespace

void noteAccess(const void* address, size_t bytes, bool write, Site site) {
  access(address, bytes, write, site, __builtin_return_address(0));
}

void beginRaces() {
  if (cellsOfGlobal == nullptr) {
    void* cells = mmap(nullptr, sizeOfMemory() * sizeof(Cell), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (cells == MAP_FAILED) {
      fprintf(stderr, "emulated CUDA: no address space for the marks of accesses\n");
      abort();
    }
    cellsOfGlobal = static_cast<Cell*>(cells);
    cellsOfShared.resize(sharedAddresses());
  }
}

void endRaces() {
  std::sort(touched.begin(), touched.end());
  touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
  for (uintptr_t chunk : touched) {
    madvise(cellsOfGlobal + chunk * CHUNK, CHUNK * sizeof(Cell), MADV_DONTNEED);
  }
  touched.clear();
  lastAllocation = nullptr;
  std::fill(cellsOfShared.begin(), cellsOfShared.end(), Cell{});
}

}  // namespace emulator

// What the compiler calls before each access; when the library is loaded no thread runs yet.
#define SEEN_(name, bytes, write)                                                                         \
  extern "C" void name(void* address) {                                                                   \
    if (::emulator::current != nullptr) {                                                                 \
      ::emulator::access(address, bytes, write, ::emulator::current->site, __builtin_return_address(0)); \
    }                                                                                                     \
  }
#define SEEN(bytes)                   \
  SEEN_(__tsan_read##bytes, bytes, false) \
  SEEN_(__tsan_write##bytes, bytes, true)
#define SEEN_UNALIGNED(bytes)                       \
  SEEN_(__tsan_unaligned_read##bytes, bytes, false) \
  SEEN_(__tsan_unaligned_write##bytes, bytes, true)
SEEN(1)
SEEN(2)
SEEN(4)
SEEN(8)
SEEN(16)
SEEN_UNALIGNED(2)
SEEN_UNALIGNED(4)
SEEN_UNALIGNED(8)
SEEN_UNALIGNED(16)
#define SEEN_RANGE(name, write)                                                                           \
  extern "C" void name(void* address, size_t bytes) {                                                     \
    if (::emulator::current != nullptr) {                                                                 \
      ::emulator::access(address, bytes, write, ::emulator::current->site, __builtin_return_address(0)); \
    }                                                                                                     \
  }
SEEN_RANGE(__tsan_read_range, false)
SEEN_RANGE(__tsan_write_range, true)
extern "C" void __tsan_init() {}
extern "C" void __tsan_func_entry(void*) {}
extern "C" void __tsan_func_exit() {}
extern "C" void __tsan_vptr_update(void**, void*) {}

#endif

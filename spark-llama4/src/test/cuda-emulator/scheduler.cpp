#include "scheduler.hpp"

#include <cstdlib>
#include <cstring>
#include <numeric>
#include <pthread.h>
#include <sys/mman.h>

#include "faults.hpp"
#include "fiber.hpp"
#include "shared.hpp"
#include "memory.hpp"
#include "races.hpp"
#include "registry.hpp"
#include "report.hpp"

namespace emulator {

Launch launch;
Thread* current;
unsigned numberOfBlock, barriersPassed;
Schedule schedule = Schedule::IN_ORDER;
unsigned nextLaunchBound;

std::map<std::string, Kernel>& kernels() {
  static std::map<std::string, Kernel> all;
  return all;
}

namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr size_t STACK = 256 * 1024;  // Red zones need room.
#else
constexpr size_t STACK = 64 * 1024;
#endif
constexpr size_t PAGE = 4096;
constexpr unsigned MOST_THREADS = 1024;
constexpr int LAUNCH_FAILED = 719, ILLEGAL_ADDRESS = 700;

Thread threads[MOST_THREADS];
Warp warps[MOST_THREADS / 32];
unsigned threadCount, warpCount, atBarrier, ended;
uint32_t readyWarps;
Site barrierSite;
Fiber main;  ///< what started the block
bool failed;
char* stacks;
uint64_t state = 1;

uint64_t nextRandom() {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state * 0x2545f4914f6cdd1dull >> 32;
}

}  // namespace

uint64_t randomBelow(uint64_t bound) { return nextRandom() % bound; }

namespace {

/// One of the set bits.
unsigned pick(uint32_t bits) {
  for (auto skipped = randomBelow(static_cast<uint64_t>(__builtin_popcount(bits))); skipped > 0; skipped--) {
    bits &= bits - 1;
  }
  return static_cast<unsigned>(__builtin_ctz(bits));
}

/// The first set bit after `position`, or else the first of all.
unsigned following(uint32_t bits, unsigned position) {
  uint32_t after = bits & ~((2u << position) - 1);
  return __builtin_ctz(after != 0 ? after : bits);
}

Thread* nextThread() {
  if (readyWarps == 0) {
    return nullptr;
  }
  Warp* warp = current->warp;
  uint32_t mine = warp->ready;
  switch (schedule) {
    case Schedule::IN_ORDER: {
      uint32_t after = mine & ~((2u << current->lane) - 1);
      if (after != 0) {
        return warp->threads + __builtin_ctz(after);
      }
      warp = &warps[following(readyWarps, warp->number)];
      return warp->threads + __builtin_ctz(warp->ready);
    }
    case Schedule::WARP_GREEDY:
      if (mine != 0) {
        return warp->threads + following(mine, current->lane);
      }
      warp = &warps[pick(readyWarps)];
      return warp->threads + pick(warp->ready);
    case Schedule::RANDOM:
      break;
  }
  warp = &warps[pick(readyWarps)];
  return warp->threads + pick(warp->ready);
}

std::string place(const Thread& thread) {
  char text[400];
  snprintf(text, sizeof text, "kernel %s, block (%u, %u, %u), thread (%u, %u, %u)", launch.kernel->name,
           launch.blockIndex.x, launch.blockIndex.y, launch.blockIndex.z, thread.index.x, thread.index.y, thread.index.z);
  return text;
}

std::string where(const Site& site) {
  return site.file == nullptr ? "an unknown line" : std::string(site.file) + ":" + std::to_string(site.line);
}

void reportDeadlock() {
  std::string text;
  unsigned shown = 0, waiting = 0;
  const Thread* last = nullptr;
  for (unsigned i = 0; i < threadCount; i++) {
    const Thread& thread = threads[i];
    waiting += thread.state != Thread::ENDED;
    if (last != nullptr && last->state == thread.state && (thread.state == Thread::ENDED || last->site == thread.site)) {
      continue;
    }
    last = &thread;
    if (++shown <= 6) {
      text += "; from " + std::to_string(i) + ": ";
      text += thread.state == Thread::ENDED ? "ended"
              : thread.state == Thread::AT_BLOCK ? "at the block's barrier in " + where(thread.site)
                                                 : "at the warp's exchange in " + where(thread.site);
    }
  }
  report("kernel %s, block (%u, %u, %u): deadlock of %u of %u threads%s", launch.kernel->name, launch.blockIndex.x,
         launch.blockIndex.y, launch.blockIndex.z, waiting, threadCount, text.c_str());
}

void goTo(Thread* next) {
  Thread* before = current;
  if (next == nullptr) {
    if (ended < threadCount) {
      reportDeadlock();
      failed = true;
    }
    switchFiber(before->fiber, main);
  } else if (next != before) {
    current = next;
    switchFiber(before->fiber, next->fiber);
  }
}

void setReady(Warp& warp, uint32_t lanes) {
  warp.ready |= lanes;
  readyWarps |= 1u << warp.number;
}

void clearReady(Thread& thread) {
  Warp& warp = *thread.warp;
  warp.ready &= ~(1u << thread.lane);
  if (warp.ready == 0) {
    readyWarps &= ~(1u << warp.number);
  }
}

void threadMain() {
  fiberBegins();
  launch.kernel->invoke(*launch.kernel, launch.arguments);
  Thread& self = *current;
  checkNoCopies();
  self.state = Thread::ENDED;
  clearReady(self);
  ended++;
  goTo(nextThread());
  abort();
}

/// The pages that stacks grow into when they overflow are between them.
char* makeStack(unsigned thread) {
  if (stacks == nullptr) {
    stacks = static_cast<char*>(
        mmap(nullptr, MOST_THREADS * (STACK + PAGE), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  }
  char* stack = stacks + thread * (STACK + PAGE) + PAGE;
  mprotect(stack, STACK, PROT_READ | PROT_WRITE);
  return stack;
}

void startThreads() {
  threadCount = static_cast<unsigned>(launch.block.count());
  warpCount = (threadCount + 31) / 32;
  atBarrier = ended = 0;
  readyWarps = 0;
  for (unsigned w = 0; w < warpCount; w++) {
    unsigned lanes = threadCount - w * 32 < 32 ? threadCount - w * 32 : 32;
    warps[w].threads = threads + w * 32;
    warps[w].number = w;
    warps[w].members = lanes == 32 ? ~0u : (1u << lanes) - 1;
    warps[w].ready = warps[w].arrived = warps[w].synchronized = 0;
    setReady(warps[w], warps[w].members);
  }
  for (unsigned i = 0; i < threadCount; i++) {
    Thread& thread = threads[i];
    if (thread.fiber.stack == nullptr) {
      thread.fiber.stack = makeStack(i);
      thread.fiber.stackBytes = STACK;
    }
    thread.index = {i % launch.block.x, i / launch.block.x % launch.block.y, i / launch.block.x / launch.block.y};
    thread.lane = i % 32;
    thread.warp = &warps[i / 32];
    thread.state = Thread::RUNNABLE;
    thread.site = {};
    thread.groups = 0;
    thread.copies.clear();
    startFiber(thread.fiber, threadMain);
  }
}

void runBlock(uint64_t number) {
  launch.blockIndex = {static_cast<unsigned>(number % launch.grid.x),
                       static_cast<unsigned>(number / launch.grid.x % launch.grid.y),
                       static_cast<unsigned>(number / launch.grid.x / launch.grid.y)};
  numberOfBlock = static_cast<unsigned>(number);
  barriersPassed = 0;
  startThreads();
  poisonShared(launch.sharedBytes);
  current = schedule == Schedule::IN_ORDER ? threads : &threads[pick(warps[0].members)];
  if (schedule != Schedule::IN_ORDER) {
    const Warp& warp = warps[pick(readyWarps)];
    current = warp.threads + pick(warp.ready);
  }
  switchFiber(main, current->fiber);
  if (!failed && !sharedIsWhole()) {
    report("kernel %s, block (%u, %u, %u) wrote just before or behind its %zu bytes of dynamic shared memory",
           launch.kernel->name, launch.blockIndex.x, launch.blockIndex.y, launch.blockIndex.z, launch.sharedBytes);
    failed = true;
  }
}

void runBlocks() {
  uint64_t count = launch.grid.count();
  std::vector<uint64_t> order(schedule == Schedule::IN_ORDER ? 0 : count);
  std::iota(order.begin(), order.end(), uint64_t{0});
  for (uint64_t i = order.size(); i > 1; i--) {
    std::swap(order[i - 1], order[randomBelow(i)]);
  }
  for (uint64_t i = 0; i < count && !failed; i++) {
    runBlock(order.empty() ? i : order[i]);
  }
}

}  // namespace

void seedSchedule(uint64_t seed) { state = seed * 0x9e3779b97f4a7c15ull | 1; }

void warpCollective(const void* in, void* out, Collective collective, Site site) {
  Thread& self = *current;
  Warp& warp = *self.warp;
  if (warp.arrived == 0) {
    warp.collective = collective;
    warp.site = site;
  } else if (warp.collective != collective || !(warp.site == site)) {
    failThread(site, "exchanges within its warp while other lanes do so in %s:%d", warp.site.file, warp.site.line);
  }
  warp.in[self.lane] = in;
  warp.out[self.lane] = out;
  warp.arrived |= 1u << self.lane;
  if (warp.arrived == warp.members) {
    if (warp.members != ~0u) {
      failThread(site, "exchanges within a warp of fewer than 32 threads");
    }
    collective(warp);
    for (unsigned lane = 0; lane < 32; lane++) {
      warp.threads[lane].state = Thread::RUNNABLE;
    }
    warp.arrived = 0;
    setReady(warp, warp.members);
    return;
  }
  self.state = Thread::AT_WARP;
  self.site = site;
  clearReady(self);
  goTo(nextThread());
}

void warpBarrier(Site site) {
  warpCollective(nullptr, nullptr, [](Warp& warp) { warp.synchronized++; }, site);
}

void blockBarrier(Site site) {
  Thread& self = *current;
  if (atBarrier == 0) {
    barrierSite = site;
  } else if (!(barrierSite == site)) {
    failThread(site, "divergent barriers: others of its block wait in %s:%d", barrierSite.file, barrierSite.line);
  }
  self.state = Thread::AT_BLOCK;
  self.site = site;
  clearReady(self);
  if (++atBarrier == threadCount) {
    atBarrier = 0;
    barriersPassed++;
    for (unsigned w = 0; w < warpCount; w++) {
      setReady(warps[w], warps[w].members);
    }
    for (unsigned i = 0; i < threadCount; i++) {
      threads[i].state = Thread::RUNNABLE;
    }
    if (schedule == Schedule::WARP_GREEDY) {
      const Warp& warp = warps[pick(readyWarps)];
      goTo(warp.threads + pick(warp.ready));
      return;
    }
    if (schedule == Schedule::IN_ORDER) {
      goTo(threads);
      return;
    }
  }
  goTo(nextThread());
}

void failThread(Site site, const char* format, ...) {
  {  // Nothing may be left to destroy: the thread does not return.
    va_list arguments;
    va_start(arguments, format);
    std::string text = formatted(format, arguments);
    va_end(arguments);
    report("%s, %s: %s", place(*current).c_str(), where(site).c_str(), text.c_str());
  }
  failed = true;
  switchFiber(current->fiber, main);
  abort();
}

/// The bounds of the stack of this thread of the host, for AddressSanitizer.
static void findStack([[maybe_unused]] Fiber& fiber) {
#if defined(__SANITIZE_ADDRESS__)
  pthread_attr_t attributes;
  void* stack;
  pthread_getattr_np(pthread_self(), &attributes);
  pthread_attr_getstack(&attributes, &stack, &fiber.stackBytes);
  pthread_attr_destroy(&attributes);
  fiber.stack = static_cast<char*>(stack);
#endif
}

bool isThreadStack(uintptr_t address) {
  auto start = reinterpret_cast<uintptr_t>(stacks);
  return stacks != nullptr && address >= start && address < start + MOST_THREADS * (STACK + PAGE);
}

int runLaunch(const Launch& toRun) {
  launch = toRun;
  failed = false;
  findStack(main);
  beginRaces();
  bool whole = guarded([] { runBlocks(); });
  endRaces();
  if (!whole) {
    fiberIs(main);
    std::string what = isThreadStack(lastFault.address) ? "the end of its stack" : describeAddress(lastFault.address);
    report("%s: illegal access (%s) to %s; instruction 0x%zx of the library; before that it was in %s",
           place(*current).c_str(), strsignal(lastFault.signal), what.c_str(), lastFault.instruction,
           where(current->site).c_str());
    return ILLEGAL_ADDRESS;
  }
  return failed ? LAUNCH_FAILED : 0;
}

}  // namespace emulator

/// Runs the emulator's tests of itself: prints what does not hold, and ends with 1 if there is anything.
#include "self-test.hpp"

#include <chrono>
#include <cstring>

namespace selftest {

namespace {

int checks, failures;

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

void check(bool holds, const char* file, int line, const std::string& what) {
  checks++;
  if (!holds) {
    failures++;
    printf("%s:%d: %s\n", file, line, what.c_str());
  }
}

Machine::Machine(int schedule, uint64_t seed, int devices) {
  emu_reset();
  emu_devices(devices);
  emu_schedule(schedule, seed);
  CHECK_EQUAL(0, cuInit(0));
  contexts.resize(static_cast<size_t>(devices));
  modules.resize(static_cast<size_t>(devices));
  for (int device = devices; device-- > 0;) {
    CHECK_EQUAL(0, cuDevicePrimaryCtxRetain(&contexts[static_cast<size_t>(device)], device));
    use(device);
    CHECK_EQUAL(0, cuModuleLoadData(&modules[current], "emulated"));
  }
}

Machine::~Machine() { emu_reset(); }

void Machine::use(int device) {
  current = static_cast<size_t>(device);
  cuCtxSetCurrent(contexts[current]);
}

void* Machine::function(const char* name) {
  void* found = nullptr;
  CHECK_EQUAL(0, cuModuleGetFunction(&found, modules[current], name));
  return found;
}

uint64_t allocate(size_t bytes) {
  uint64_t address = 0;
  CHECK_EQUAL(0, cuMemAlloc_v2(&address, bytes));
  return address;
}

std::vector<float> numbers(size_t count, uint64_t seed) {
  std::vector<float> values(count);
  uint64_t state = seed * 0x9e3779b97f4a7c15ull + 1;
  for (float& value : values) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    value = static_cast<float>(static_cast<int64_t>(state) >> 40) / 8388608.0f;
  }
  return values;
}

int runAll() {
  struct Part {
    const char* name;
    void (*run)();
  };
#if defined(EMULATOR_RACES)
  // The others let kernels race to see what comes of it.
  const Part parts[] = {{"intrinsics", testIntrinsics}, {"conversions", testConversions}, {"races", testRaces}};
#else
  const Part parts[] = {{"intrinsics", testIntrinsics}, {"conversions", testConversions}, {"scheduling", testScheduling},
                        {"planted errors", testPlanted}, {"memory", testMemory},          {"streams", testStreams},
                        {"graphs", testGraphs},         {"replay", testReplay}};
#endif
  for (const Part& part : parts) {
    int before = checks, failedBefore = failures;
    double start = seconds();
    part.run();
    printf("%s: %d checks, %d failed, %.2f s\n", part.name, checks - before, failures - failedBefore, seconds() - start);
  }
  return failures == 0 && checks > 0 ? 0 : 1;
}

}  // namespace selftest

/// Without arguments the tests; with "--replay FILE..." launches that were recorded with EMULATED_CUDA_RECORD.
int main(int count, char** arguments) {
  setvbuf(stdout, nullptr, _IOLBF, 0);
  if (count > 1 && strcmp(arguments[1], "--replay") == 0) {
    return selftest::replayAll(count - 2, arguments + 2);
  }
  return selftest::runAll();
}

/// Memory, streams, events, graphs and several devices.
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "../entry-points.hpp"
#include "self-test.hpp"

namespace selftest {

namespace {

float* pinned(size_t floats) {
  void* address = nullptr;
  CHECK_EQUAL(0, cuMemHostAlloc(&address, floats * sizeof(float), 0));
  return static_cast<float*>(address);
}

void* stream() {
  void* made = nullptr;
  CHECK_EQUAL(0, cuStreamCreate(&made, 1));
  return made;
}

void* event() {
  void* made = nullptr;
  CHECK_EQUAL(0, cuEventCreate(&made, 2));
  return made;
}

void testLimit() {
  Machine machine;
  emu_memory(1000);
  uint64_t address, another;
  size_t free, total;
  CHECK_EQUAL(0, cuMemAlloc_v2(&address, 600));
  CHECK_EQUAL(2, cuMemAlloc_v2(&another, 401));
  CHECK_EQUAL(0, cuMemAlloc_v2(&another, 400));
  CHECK_EQUAL(0, cuMemGetInfo_v2(&free, &total));
  CHECK_EQUAL(0, free);
  CHECK_EQUAL(1000, total);
  CHECK_EQUAL(0, cuMemFree_v2(address));
  CHECK_EQUAL(1, cuMemFree_v2(address));
  CHECK_EQUAL(1, cuMemFree_v2(another + 8));
  CHECK_EQUAL(0, cuMemGetInfo_v2(&free, &total));
  CHECK_EQUAL(600, free);
  CHECK_EQUAL(1, cuMemAlloc_v2(&address, 0));
  CHECK_EQUAL(2, emu_allocations());  // with the module
  CHECK_EQUAL(1, cuMemcpyHtoDAsync_v2(another, &machine, 401, nullptr));
}

void testContexts() {
  Machine machine(IN_ORDER, 1, 2);
  uint64_t address;
  CHECK_EQUAL(0, cuCtxSetCurrent(nullptr));
  CHECK_EQUAL(201, cuMemAlloc_v2(&address, 4));
  machine.use(1);
  CHECK_EQUAL(0, cuMemAlloc_v2(&address, 4));
  CHECK_EQUAL(0, cuDevicePrimaryCtxRelease_v2(1));
  CHECK_EQUAL(709, cuMemAlloc_v2(&address, 4));
  CHECK_EQUAL(2, emu_leaked());  // with the module
}

void testVisibleDevices() {
  emu_reset();
  auto visible = [](const char* list) {
    setenv("CUDA_VISIBLE_DEVICES", list, 1);
    emu_devices(4);
    int count = -1, result = cuInit(0);
    std::string names;
    cuDeviceGetCount(&count);
    for (int device = 0; result == 0 && device < count; device++) {
      char name[40];
      CHECK_EQUAL(0, cuDeviceGetName(name, sizeof name, device));
      names += name[strlen(name) - 1];
    }
    unsetenv("CUDA_VISIBLE_DEVICES");
    return result == 0 ? names : std::to_string(result);
  };
  CHECK(visible("2,0") == "20");
  CHECK(visible("3,7,1") == "3");
  CHECK(visible("GPU-5c1e0de1,GPU-5b") == "21");
  CHECK(visible("") == "100");
  CHECK(visible("GPU-") == "100");  // several
  emu_reset();
}

void testPeers() {
  Machine machine(IN_ORDER, 1, 2);
  uint64_t first = upload(numbers(32, 1));
  CHECK_EQUAL(0, cuCtxSynchronize());
  machine.use(1);
  uint64_t second = allocate(128);
  CHECK_EQUAL(0, cuMemcpyPeerAsync(second, machine.contexts[1], first, machine.contexts[0], 128, nullptr));
  CHECK_EQUAL(1, cuMemcpyPeerAsync(second, machine.contexts[0], first, machine.contexts[1], 128, nullptr));
  CHECK(download<float>(second, 32) == numbers(32, 1));
  CHECK_EQUAL(0, cuCtxEnablePeerAccess(machine.contexts[0], 0));
  CHECK_EQUAL(704, cuCtxEnablePeerAccess(machine.contexts[0], 0));
  CHECK_EQUAL(0, machine.run("self_increment", 1, 32, 0, first, second, 32ll));
  CHECK(download<float>(second, 32)[7] == numbers(32, 1)[7] + 1);
  machine.use(0);  // Access in one direction is not access in the other.
  CHECK_EQUAL(700, machine.run("self_increment", 1, 32, 0, second, first, 32ll));
  CHECK_REPORTED("on device 1");
  machine.use(1);
  CHECK_EQUAL(0, cuCtxSynchronize());
}

/// Source -> `to` by one stream, target = to + 1 by another, with or without the event between them.
float acrossStreams(int schedule, uint64_t seed, bool withEvent) {
  Machine machine(schedule, seed);
  void *copies = stream(), *work = stream(), *copied = event();
  float* source = pinned(32);
  source[0] = 41;
  uint64_t to = allocate(128), target = allocate(128);
  CHECK_EQUAL(0, cuMemcpyHtoDAsync_v2(to, source, 128, copies));
  CHECK_EQUAL(0, cuEventRecord(copied, copies));
  if (withEvent) {
    CHECK_EQUAL(0, cuStreamWaitEvent(work, copied, 0));
  }
  CHECK_EQUAL(0, machine.enqueue(work, "self_increment", 1, 32, 0, to, target, 32ll));
  CHECK_EQUAL(0, cuStreamSynchronize(work));
  return download<float>(target, 1)[0];
}

void testOrderOfStreams() {
  int wrong = 0;
  for (uint64_t seed = 1; seed <= 8; seed++) {
    CHECK(acrossStreams(IN_ORDER, seed, true) == 42);
    CHECK(acrossStreams(RANDOM, seed, true) == 42);
    CHECK(std::isnan(acrossStreams(IN_ORDER, seed, false)));
    wrong += acrossStreams(RANDOM, seed, false) != 42;
  }
  CHECK(wrong > 0 && wrong < 8);
}

/// Work runs as late as it may: buffers used again too early are noticed.
void testLateWork() {
  Machine machine;
  void* work = stream();
  float* host = pinned(32);
  uint64_t to = allocate(128);
  host[0] = 1;
  CHECK_EQUAL(0, cuMemcpyHtoDAsync_v2(to, host, 128, work));
  host[0] = 2;  // too early
  CHECK_EQUAL(0, cuStreamSynchronize(work));
  CHECK(download<float>(to, 1)[0] == 2);
  CHECK_EQUAL(0, cuMemcpyDtoHAsync_v2(host, to, 128, work));
  CHECK(std::isnan(host[0]));
  void* done = event();
  CHECK_EQUAL(0, cuEventRecord(done, work));
  CHECK_EQUAL(600, cuEventQuery(done));
  while (cuEventQuery(done) == 600) {
  }
  CHECK(host[0] == 2);
  CHECK_EQUAL(0, cuStreamQuery(work));
  float milliseconds;
  CHECK_EQUAL(400, cuEventElapsedTime(&milliseconds, done, done));  // made without times
  void *from = nullptr, *until = nullptr;
  CHECK_EQUAL(0, cuEventCreate(&from, 0));
  CHECK_EQUAL(0, cuEventCreate(&until, 0));
  CHECK_EQUAL(0, cuEventRecord(from, work));
  CHECK_EQUAL(0, cuMemsetD8Async(to, 0, 128, work));
  CHECK_EQUAL(0, cuEventRecord(until, work));
  CHECK_EQUAL(600, cuEventElapsedTime(&milliseconds, from, until));
  CHECK_EQUAL(0, cuEventSynchronize(until));
  CHECK_EQUAL(0, cuEventElapsedTime(&milliseconds, from, until));
  CHECK(milliseconds >= 0);
  CHECK(download<float>(to, 1)[0] == 0);
  CHECK_EQUAL(0, cuStreamDestroy_v2(work));
  CHECK_EQUAL(400, cuStreamSynchronize(work));
  CHECK_EQUAL(0, cuEventDestroy_v2(done));
  CHECK_EQUAL(400, cuEventSynchronize(done));
  CHECK_EQUAL(0, emu_leaked());
}

void testFreeing() {
  {
    Machine machine;
    void* work = stream();
    float* host = pinned(32);
    uint64_t to = allocate(128), next = allocate(128);
    CHECK_EQUAL(0, cuMemsetD8Async(to, 0, 128, work));
    CHECK_EQUAL(0, machine.enqueue(work, "self_increment", 1, 32, 0, to, next, 32ll));
    CHECK_EQUAL(0, cuMemFree_v2(to));  // waits for the device
    CHECK_EQUAL(0, cuMemcpyDtoHAsync_v2(host, next, 128, work));
    CHECK_EQUAL(700, cuMemFreeHost(host));
    CHECK_REPORTED("cuMemFreeHost");
  }
  Machine machine;
  float* host = pinned(32);
  uint64_t to = allocate(128);
  CHECK_EQUAL(0, cuMemcpyHtoDAsync_v2(to, host, 128, stream()));
  CHECK_EQUAL(0, cuCtxSynchronize());
  CHECK_EQUAL(0, cuMemFreeHost(host));
  // Kernels may use pinned memory as well.
  host = pinned(32);
  host[3] = 5;
  uint64_t address = 0;
  CHECK_EQUAL(0, cuMemHostGetDevicePointer_v2(&address, host, 0));
  CHECK_EQUAL(0, machine.run("self_increment", 1, 32, 0, address, to, 32ll));
  CHECK(download<float>(to, 32)[3] == 6);
  CHECK_EQUAL(0, machine.enqueue(nullptr, "self_increment", 1, 32, 0, address, to, 32ll));
  CHECK_EQUAL(700, cuMemFreeHost(host));
}

void testPageable() {
  Machine machine;
  std::vector<float> host = numbers(32, 8);
  uint64_t to = allocate(128);
  CHECK_EQUAL(0, cuMemcpyHtoDAsync_v2(to, host.data(), 128, nullptr));
  host[0] = 9;  // was read
  CHECK(download<float>(to, 32) == numbers(32, 8));
  emu_strict(1);
  CHECK_EQUAL(1, cuMemcpyHtoDAsync_v2(to, host.data(), 128, nullptr));
  CHECK_EQUAL(1, cuMemcpyDtoHAsync_v2(host.data(), to, 128, nullptr));
  CHECK_REPORTED("pinned");
  float* page = pinned(32);
  CHECK_EQUAL(1, cuMemcpyHtoDAsync_v2(to, page + 1, 128, nullptr));
  CHECK_EQUAL(0, cuMemcpyHtoDAsync_v2(to, page, 128, nullptr));
}

void testInjection() {
  Machine machine;
  uint64_t address;
  emu_fail("cuMemAlloc", 2, 2);
  CHECK_EQUAL(0, cuMemAlloc_v2(&address, 4));
  CHECK_EQUAL(2, cuMemAlloc_v2(&address, 4));
  CHECK_EQUAL(0, cuMemAlloc_v2(&address, 4));
  CHECK_EQUAL(3, emu_calls("cuMemAlloc_v2"));
  emu_fail("cuCtxSynchronize", 1, 719);
  CHECK_EQUAL(719, cuCtxSynchronize());
  CHECK_EQUAL(719, cuMemAlloc_v2(&address, 4));
  const char* name;
  CHECK_EQUAL(0, cuGetErrorName(719, &name));
  CHECK_EQUAL(0, strcmp("CUDA_ERROR_LAUNCH_FAILED", name));
}

/// Every entry point fails when it shall, whatever its arguments.
void testInjectionEverywhere() {
#define EACH(name) {#name, reinterpret_cast<void (*)()>(name)},
  const std::pair<const char*, void (*)()> all[] = {EMULATOR_ENTRY_POINTS(EACH)};
#undef EACH
  for (auto& [name, function] : all) {
    Machine machine;
    auto call = reinterpret_cast<int (*)(void*, void*, void*, void*, void*, void*)>(function);
    CHECK_EQUAL(0, emu_fail(name, 1, 999));
    CHECK_EQUAL(999, call(nullptr, nullptr, nullptr, nullptr, nullptr, nullptr));
    emu_fail(name, -1, 2);
    CHECK_EQUAL(2, call(nullptr, nullptr, nullptr, nullptr, nullptr, nullptr));
    CHECK_EQUAL(2, call(nullptr, nullptr, nullptr, nullptr, nullptr, nullptr));
    emu_fail(name, 0, 0);
  }
  CHECK_EQUAL(-1, emu_fail("cuNothing", 1, 1));
  CHECK_EQUAL(-1, emu_calls("cuNothing"));
}

void testNullKernels() {
  Machine machine;
  emu_null_kernels(1);
  uint64_t values = allocate(128), target = allocate(128);
  CHECK_EQUAL(0, machine.run("self_increment", 1, 32, 0, values, target, 32ll));
  CHECK(download<float>(target, 32)[0] == 0);
  CHECK_EQUAL(1, emu_calls("cuLaunchKernel"));
}

/// Memory from before the switch was filled otherwise: giving it back finds nothing wrong with that.
void testNullKernelsLater() {
  Machine machine;
  uint64_t values = allocate(100), target = allocate(100);
  CHECK_EQUAL(0, machine.run("self_increment", 1, 25, 0, values, target, 25ll));
  emu_null_kernels(1);
  CHECK_EQUAL(0, cuMemFree_v2(values));
  uint64_t later = allocate(100);
  CHECK_EQUAL(0, cuMemsetD8Async(later, 1, 50, nullptr));
  emu_null_kernels(0);
  CHECK_EQUAL(0, cuMemFree_v2(later));
  CHECK_EQUAL(0, cuMemFree_v2(target));
}

void testTimeOfCalls() {
  Machine machine;
  long long before = emu_driver_nanos();
  auto start = std::chrono::steady_clock::now();
  CHECK_EQUAL(0, machine.run("self_increment", 1, 32, 0, allocate(128), allocate(128), 32ll));
  auto passed = std::chrono::steady_clock::now() - start;
  long long inDriver = emu_driver_nanos() - before;
  CHECK(inDriver > 0);
  CHECK(inDriver <= std::chrono::duration_cast<std::chrono::nanoseconds>(passed).count());
  CHECK_EQUAL(inDriver, emu_driver_nanos() - before);
}

}  // namespace

void testMemory() {
  testLimit();
  testContexts();
  testVisibleDevices();
  testPeers();
  testFreeing();
  testPageable();
  testInjection();
  testInjectionEverywhere();
  testNullKernels();
  testNullKernelsLater();
  testTimeOfCalls();
}

void testStreams() {
  testOrderOfStreams();
  testLateWork();
}

void testGraphs() {
  for (int schedule : {IN_ORDER, RANDOM, WARP_GREEDY}) {
    Machine machine(schedule, 2);
    void *work = stream(), *side = stream(), *fork = event(), *join = event(), *graph = nullptr, *ready = nullptr;
    uint64_t a = upload(numbers(32, 1)), b = allocate(128), c = allocate(128), d = allocate(128);
    CHECK_EQUAL(0, cuCtxSynchronize());
    CHECK_EQUAL(0, cuStreamBeginCapture_v2(work, 0));
    CHECK_EQUAL(0, machine.enqueue(work, "self_increment", 1, 32, 0, a, b, 32ll));
    CHECK_EQUAL(0, cuEventRecord(fork, work));
    CHECK_EQUAL(0, cuStreamWaitEvent(side, fork, 0));
    CHECK_EQUAL(0, machine.enqueue(side, "self_increment", 1, 32, 0, b, c, 32ll));
    CHECK_EQUAL(0, cuEventRecord(join, side));
    CHECK_EQUAL(0, cuStreamWaitEvent(work, join, 0));
    CHECK_EQUAL(0, machine.enqueue(work, "self_increment", 1, 32, 0, c, d, 32ll));
    CHECK_EQUAL(0, cuStreamEndCapture(work, &graph));
    CHECK_EQUAL(0, cuGraphInstantiateWithFlags(&ready, graph, 0));
    CHECK_EQUAL(0, cuGraphDestroy(graph));
    for (int turn = 0; turn < 3; turn++) {
      CHECK_EQUAL(0, cuGraphLaunch(ready, work));
      CHECK_EQUAL(0, cuMemcpyDtoDAsync_v2(a, d, 128, work));
    }
    CHECK_EQUAL(0, cuStreamSynchronize(work));
    CHECK(std::fabs(download<float>(a, 32)[5] - numbers(32, 1)[5] - 9) < 1e-5);
    CHECK_EQUAL(0, cuGraphExecDestroy(ready));

    CHECK_EQUAL(0, cuStreamBeginCapture_v2(work, 0));
    CHECK_EQUAL(900, cuStreamSynchronize(work));
    CHECK_EQUAL(901, cuStreamEndCapture(work, &graph));
    CHECK_EQUAL(0, cuStreamBeginCapture_v2(work, 1));
    uint64_t address;
    CHECK_EQUAL(900, cuMemAlloc_v2(&address, 4));
    CHECK_EQUAL(901, cuStreamEndCapture(work, &graph));
    CHECK_EQUAL(0, cuStreamBeginCapture_v2(work, 0));
    CHECK_EQUAL(0, cuEventRecord(fork, work));
    CHECK_EQUAL(907, cuEventQuery(fork));
    CHECK_EQUAL(901, cuStreamEndCapture(work, &graph));
    CHECK_EQUAL(0, cuStreamBeginCapture_v2(work, 0));
    CHECK_EQUAL(0, cuEventRecord(fork, work));
    CHECK_EQUAL(0, cuStreamWaitEvent(side, fork, 0));
    CHECK_EQUAL(0, machine.enqueue(side, "self_increment", 1, 32, 0, b, c, 32ll));
    CHECK_EQUAL(904, cuStreamEndCapture(work, &graph));
    CHECK_EQUAL(0, cuStreamSynchronize(side));
  }
}

}  // namespace selftest

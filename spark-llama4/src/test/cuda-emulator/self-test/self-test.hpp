/// The self-test's view of the emulated driver: entry points by their names, and short ways to use them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

extern "C" {
int cuInit(unsigned);
int cuDriverGetVersion(int*);
int cuDeviceGetCount(int*);
int cuDeviceGet(int*, int);
int cuDeviceGetName(char*, int, int);
int cuDeviceGetUuid_v2(unsigned char*, int);
int cuDeviceGetAttribute(int*, int, int);
int cuDeviceTotalMem_v2(size_t*, int);
int cuDeviceCanAccessPeer(int*, int, int);
int cuDevicePrimaryCtxRetain(void**, int);
int cuDevicePrimaryCtxRelease_v2(int);
int cuCtxSetCurrent(void*);
int cuCtxSynchronize();
int cuCtxEnablePeerAccess(void*, unsigned);
int cuMemGetInfo_v2(size_t*, size_t*);
int cuMemAlloc_v2(uint64_t*, size_t);
int cuMemFree_v2(uint64_t);
int cuMemHostAlloc(void**, size_t, unsigned);
int cuMemFreeHost(void*);
int cuMemHostGetDevicePointer_v2(uint64_t*, void*, unsigned);
int cuMemcpyHtoDAsync_v2(uint64_t, const void*, size_t, void*);
int cuMemcpyDtoHAsync_v2(void*, uint64_t, size_t, void*);
int cuMemcpyDtoDAsync_v2(uint64_t, uint64_t, size_t, void*);
int cuMemcpyPeerAsync(uint64_t, void*, uint64_t, void*, size_t, void*);
int cuMemsetD8Async(uint64_t, unsigned char, size_t, void*);
int cuStreamCreate(void**, unsigned);
int cuStreamDestroy_v2(void*);
int cuStreamSynchronize(void*);
int cuStreamQuery(void*);
int cuStreamWaitEvent(void*, void*, unsigned);
int cuEventCreate(void**, unsigned);
int cuEventRecord(void*, void*);
int cuEventSynchronize(void*);
int cuEventQuery(void*);
int cuEventElapsedTime(float*, void*, void*);
int cuEventDestroy_v2(void*);
int cuModuleLoadData(void**, const void*);
int cuModuleUnload(void*);
int cuModuleGetFunction(void**, void*, const char*);
int cuFuncSetAttribute(void*, int, int);
int cuFuncGetAttribute(int*, int, void*);
int cuFuncGetParamInfo(void*, size_t, size_t*, size_t*);
int cuLaunchKernel(void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void*, void**, void**);
int cuStreamBeginCapture_v2(void*, int);
int cuStreamEndCapture(void*, void**);
int cuGraphInstantiateWithFlags(void**, void*, unsigned long long);
int cuGraphLaunch(void*, void*);
int cuGraphExecDestroy(void*);
int cuGraphDestroy(void*);
int cuGetErrorName(int, const char**);
int cuGetErrorString(int, const char**);
void emu_reset();
void emu_devices(int);
void emu_memory(unsigned long long);
void emu_schedule(int, unsigned long long);
int emu_fail(const char*, int, int);
long long emu_calls(const char*);
void emu_null_kernels(int);
long long emu_driver_nanos();
void emu_strict(int);
void emu_alignment(unsigned long long);
long long emu_allocations();
long long emu_leaked();
const char* emu_last_report();
}

namespace selftest {

constexpr int IN_ORDER = 0, RANDOM = 1, WARP_GREEDY = 2;

/// Counts, and prints what is false.
void check(bool holds, const char* file, int line, const std::string& what);
#define CHECK(condition) ::selftest::check((condition), __FILE__, __LINE__, #condition)
/// Equal whole numbers.
#define CHECK_EQUAL(expected, actual)                                                                             \
  do {                                                                                                            \
    long long expectedValue = (expected), actualValue = (actual);                                                 \
    ::selftest::check(expectedValue == actualValue, __FILE__, __LINE__,                                           \
                      std::string(#actual) + " is " + std::to_string(actualValue) + ", not " +                    \
                          std::to_string(expectedValue) + "; last report: " + emu_last_report());                 \
  } while (false)
#define CHECK_REPORTED(part)                                                                                    \
  ::selftest::check(std::string(emu_last_report()).find(std::string(part)) != std::string::npos, __FILE__, __LINE__, \
                    "[" + std::string(part) + "] in the report: " + emu_last_report())

/// A fresh emulated machine, with the primary contexts of its devices; the first is current.
class Machine {
 public:
  explicit Machine(int schedule = IN_ORDER, uint64_t seed = 1, int devices = 1);
  ~Machine();
  Machine(const Machine&) = delete;

  void use(int device);
  void* function(const char* name);

  /// The result of the launch.
  template <class... A>
  int enqueue(void* stream, const char* name, unsigned grid, unsigned block, unsigned shared, A... arguments) {
    void* pointers[] = {&arguments..., nullptr};
    return cuLaunchKernel(function(name), grid, 1, 1, block, 1, 1, shared, stream, pointers, nullptr);
  }

  /// The result of the launch, or else of its end.
  template <class... A>
  int run(const char* name, unsigned grid, unsigned block, unsigned shared, A... arguments) {
    int launched = enqueue(nullptr, name, grid, block, shared, arguments...);
    return launched != 0 ? launched : cuCtxSynchronize();
  }

  std::vector<void*> contexts;

 private:
  std::vector<void*> modules;  ///< of each device
  size_t current = 0;
};

uint64_t allocate(size_t bytes);

template <class T>
uint64_t upload(const std::vector<T>& values) {
  uint64_t address = allocate(values.size() * sizeof(T));
  cuMemcpyHtoDAsync_v2(address, values.data(), values.size() * sizeof(T), nullptr);
  return address;
}

template <class T>
std::vector<T> download(uint64_t address, size_t count) {
  std::vector<T> values(count);
  cuMemcpyDtoHAsync_v2(values.data(), address, count * sizeof(T), nullptr);
  return values;
}

/// The same numbers each time, between -1 and 1.
std::vector<float> numbers(size_t count, uint64_t seed);

void testIntrinsics();
void testConversions();
void testScheduling();
void testPlanted();
void testMemory();
void testStreams();
void testGraphs();
void testReplay();
void testRaces();
/// The process's result.
int replayAll(int count, char** files);

}  // namespace selftest

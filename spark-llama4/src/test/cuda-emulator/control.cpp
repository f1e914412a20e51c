/// What tests set and ask of the emulator, and the names of errors.
#include <cstring>

#include "memory.hpp"
#include "recording.hpp"
#include "report.hpp"
#include "scheduler.hpp"
#include "streams.hpp"

using namespace emulator;

namespace {

struct ErrorName {
  int code;
  const char* name;
  const char* text;
};

constexpr ErrorName ERRORS[] = {
    {SUCCESS, "CUDA_SUCCESS", "no error"},
    {INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {NO_DEVICE, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {INVALID_IMAGE, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
    {INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {PEER_ACCESS_UNSUPPORTED, "CUDA_ERROR_PEER_ACCESS_UNSUPPORTED", "peer access is not supported between these devices"},
    {INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {NOT_READY, "CUDA_ERROR_NOT_READY", "device not ready"},
    {ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
    {LAUNCH_OUT_OF_RESOURCES, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "too many resources requested for launch"},
    {PEER_ACCESS_ALREADY_ENABLED, "CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED", "peer access is already enabled"},
    {CONTEXT_IS_DESTROYED, "CUDA_ERROR_CONTEXT_IS_DESTROYED", "context is destroyed"},
    {LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {CAPTURE_UNSUPPORTED, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", "operation not permitted when stream is capturing"},
    {CAPTURE_INVALIDATED, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED", "operation failed due to a previous error during capture"},
    {CAPTURE_UNMATCHED, "CUDA_ERROR_STREAM_CAPTURE_UNMATCHED", "capture was not ended in the same stream as it began"},
    {CAPTURE_UNJOINED, "CUDA_ERROR_STREAM_CAPTURE_UNJOINED", "capturing stream has unjoined work"},
    {CAPTURE_IMPLICIT, "CUDA_ERROR_STREAM_CAPTURE_IMPLICIT",
     "operation would make the legacy stream depend on a capturing blocking stream"},
    {CAPTURED_EVENT, "CUDA_ERROR_CAPTURED_EVENT", "operation not permitted on an event last recorded in a capturing stream"},
};

const ErrorName* nameOf(int code) {
  for (const ErrorName& each : ERRORS) {
    if (each.code == code) {
      return &each;
    }
  }
  return nullptr;
}

/// The entry point of that name, with or without the suffix of its version; null: there is none.
EntryPoint* named(const char* name) {
  for (const char* suffix : {"_v2", ""}) {
    auto found = entryPoints().find(std::string(name) + suffix);
    if (found != entryPoints().end()) {
      return &found->second;
    }
  }
  report("the emulated driver has no entry point %s", name);
  return nullptr;
}

}  // namespace

EMULATOR_EXPORT int cuGetErrorName(int code, const char** name) {
  ENTRY();
  const ErrorName* found = nameOf(code);
  *name = found == nullptr ? nullptr : found->name;
  return found == nullptr ? INVALID_VALUE : SUCCESS;
}

EMULATOR_EXPORT int cuGetErrorString(int code, const char** text) {
  ENTRY();
  const ErrorName* found = nameOf(code);
  *text = found == nullptr ? nullptr : found->text;
  return found == nullptr ? INVALID_VALUE : SUCCESS;
}

#define CONTROL() Inside inside

EMULATOR_EXPORT void emu_reset() {
  CONTROL();
  resetEverything();
}

EMULATOR_EXPORT void emu_devices(int count) {
  CONTROL();
  state().settings.devices = count;
  makeDevices();
}

EMULATOR_EXPORT void emu_memory(unsigned long long bytes) {
  CONTROL();
  state().settings.memory = bytes;
}

EMULATOR_EXPORT void emu_schedule(int kind, unsigned long long seed) {
  CONTROL();
  schedule = static_cast<Schedule>(kind);
  seedSchedule(seed);
}

/// The `nth` call from now on returns the error; -1: each call; 0: none. -1 where there is no such entry point.
EMULATOR_EXPORT int emu_fail(const char* name, int nth, int error) {
  CONTROL();
  EntryPoint* entry = named(name);
  if (entry == nullptr) {
    return -1;
  }
  entry->failAt = nth > 0 ? entry->calls + nth : nth;
  entry->failure = error;
  return 0;
}

EMULATOR_EXPORT long long emu_calls(const char* name) {
  CONTROL();
  const EntryPoint* entry = named(name);
  return entry == nullptr ? -1 : entry->calls;
}

/// Nanoseconds that calls of entry points have taken so far: what is left of a caller's time is its own.
EMULATOR_EXPORT long long emu_driver_nanos() { return driverNanos(); }

EMULATOR_EXPORT void emu_null_kernels(int on) {
  CONTROL();
  state().settings.nullKernels = on != 0;
  freshByte = on != 0 ? 0 : 0xff;
}

EMULATOR_EXPORT void emu_hide(int on) {
  CONTROL();
  hiding = on != 0;
}

/// 90 for 9.0.
EMULATOR_EXPORT void emu_compute_capability(int capability) {
  CONTROL();
  state().settings.computeCapability = capability;
}

/// 12090 for 12.9.
EMULATOR_EXPORT void emu_driver_version(int version) {
  CONTROL();
  state().settings.driverVersion = version;
}

EMULATOR_EXPORT void emu_multiprocessors(int count) {
  CONTROL();
  state().settings.multiprocessors = count;
}

/// What addresses of memory are multiples of: 256 as on a GPU, or down to 16 to see at once who reads beyond an end.
EMULATOR_EXPORT void emu_alignment(unsigned long long bytes) {
  CONTROL();
  alignmentOfMemory = bytes;
}

/// Writes launches to files of the folder, null: no more. So does the environment variable EMULATED_CUDA_RECORD.
EMULATOR_EXPORT void emu_record(const char* folder) {
  CONTROL();
  recordTo(folder == nullptr ? "" : folder);
}

/// What contexts still owned when they ended.
EMULATOR_EXPORT long long emu_leaked() {
  CONTROL();
  return state().leaked;
}

EMULATOR_EXPORT void emu_strict(int on) {
  CONTROL();
  state().settings.strict = on != 0;
}

EMULATOR_EXPORT long long emu_allocations() {
  CONTROL();
  long long count = static_cast<long long>(liveAllocations().size());
  for (auto& each : state().objects) {
    count += dynamic_cast<Function*>(each.second.get()) == nullptr;
  }
  return count;
}

EMULATOR_EXPORT const char* emu_last_report() {
  CONTROL();
  static std::string text;
  text = lastReport();
  return text.c_str();
}

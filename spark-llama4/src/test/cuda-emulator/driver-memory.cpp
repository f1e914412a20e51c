/// Entry points: memory and copies.
#include <cstring>

#include "memory.hpp"
#include "report.hpp"
#include "streams.hpp"

using namespace emulator;

namespace {

const Allocation* deviceRange(uintptr_t address, size_t bytes) {
  const Allocation* found = allocationAround(address, bytes);
  return found == nullptr || found->device < 0 ? nullptr : found;
}

bool isPinned(uintptr_t address, size_t bytes) {
  const Allocation* found = allocationAround(address, bytes);
  return found != nullptr && found->device < 0;
}

/// Adds a copy whose device ranges are right, and runs what the driver would wait for.
int enqueueCopy(Context* context, void* handle, Work work) {
  auto stream = streamOf(handle, context);
  if (stream == nullptr) {
    return INVALID_HANDLE;
  }
  return work.bytes == 0 ? SUCCESS : enqueue(stream, std::move(work));
}

int refusePageable(const char* call, const void* host, size_t bytes) {
  report("%s: the %zu bytes at %p are not all in one piece of pinned host memory", call, bytes, host);
  return INVALID_VALUE;
}

}  // namespace

EMULATOR_EXPORT int cuMemGetInfo_v2(size_t* free, size_t* total) {
  ENTRY_IN_CONTEXT();
  const Device& device = state().devices[static_cast<size_t>(context->device)];
  if (free != nullptr) {
    *free = state().settings.memory - device.used;
  }
  if (total != nullptr) {
    *total = state().settings.memory;
  }
  return SUCCESS;
}

EMULATOR_EXPORT int cuMemAlloc_v2(uint64_t* address, size_t bytes) {
  ENTRY_IN_CONTEXT();
  if (Graph* capture = forbiddingCapture()) {
    return refuseInCapture(*capture);
  }
  if (address == nullptr || bytes == 0) {
    return INVALID_VALUE;
  }
  Device& device = state().devices[static_cast<size_t>(context->device)];
  if (bytes > state().settings.memory - device.used) {
    return OUT_OF_MEMORY;
  }
  const Allocation* allocation = allocate(context->device, context->device, bytes);
  if (allocation == nullptr) {
    return OUT_OF_MEMORY;
  }
  device.used += bytes;
  *address = allocation->address;
  return SUCCESS;
}

EMULATOR_EXPORT int cuMemFree_v2(uint64_t address) {
  ENTRY_IN_CONTEXT();
  if (Graph* capture = forbiddingCapture()) {
    return refuseInCapture(*capture);
  }
  const Allocation* allocation = allocationAt(address);
  if (address == 0) {
    return SUCCESS;
  }
  if (allocation == nullptr || allocation->device < 0) {
    report("cuMemFree of 0x%zx, which is no allocation: %s", static_cast<size_t>(address),
           describeAddress(address));
    return INVALID_VALUE;
  }
  if (allocation->device != context->device) {
    return INVALID_VALUE;
  }
  runEverything();  // As the driver does; what other devices have queued may use it too.
  if (context->error != 0) {
    return context->error;
  }
  state().devices[static_cast<size_t>(allocation->device)].used -= allocation->bytes;
  return release(allocation) ? SUCCESS : context->error = ILLEGAL_ADDRESS;
}

EMULATOR_EXPORT int cuMemHostAlloc(void** address, size_t bytes, unsigned flags) {
  ENTRY_IN_CONTEXT();
  if (Graph* capture = forbiddingCapture()) {
    return refuseInCapture(*capture);
  }
  if (address == nullptr || bytes == 0 || flags > 7) {
    return INVALID_VALUE;
  }
  const Allocation* allocation = allocate(HOST, context->device, bytes);
  if (allocation == nullptr) {
    return OUT_OF_MEMORY;
  }
  *address = reinterpret_cast<void*>(allocation->address);
  return SUCCESS;
}

EMULATOR_EXPORT int cuMemFreeHost(void* address) {
  ENTRY_IN_CONTEXT();
  const Allocation* allocation = allocationAt(reinterpret_cast<uintptr_t>(address));
  if (allocation == nullptr || allocation->device >= 0) {
    return INVALID_VALUE;
  }
  if (isUsedByQueuedWork(allocation->address, allocation->bytes)) {
    report("cuMemFreeHost of %p while a copy that uses it has not run", address);
    return context->error = ILLEGAL_ADDRESS;
  }
  return release(allocation) ? SUCCESS : context->error = ILLEGAL_ADDRESS;
}

EMULATOR_EXPORT int cuMemHostGetDevicePointer_v2(uint64_t* device, void* host, unsigned flags) {
  ENTRY_IN_CONTEXT();
  if (device == nullptr || flags != 0 || !isPinned(reinterpret_cast<uintptr_t>(host), 0)) {
    return INVALID_VALUE;
  }
  *device = reinterpret_cast<uint64_t>(host);
  return SUCCESS;
}

EMULATOR_EXPORT int cuMemcpyHtoDAsync_v2(uint64_t to, const void* from, size_t bytes, void* stream) {
  ENTRY_IN_CONTEXT();
  if (from == nullptr || deviceRange(to, bytes) == nullptr) {
    return INVALID_VALUE;
  }
  Work work;
  work.kind = Work::COPY;
  work.to = to;
  work.from = reinterpret_cast<uintptr_t>(from);
  work.bytes = bytes;
  if (!isPinned(work.from, bytes)) {
    if (state().settings.strict) {
      return refusePageable("cuMemcpyHtoDAsync", from, bytes);
    }
    auto into = streamOf(stream, context);
    if (into != nullptr && into->capture != nullptr) {
      return refuseInCapture(*into->capture);
    }
    work.staged.assign(static_cast<const char*>(from), static_cast<const char*>(from) + bytes);
    work.isStaged = true;
  }
  return enqueueCopy(context, stream, std::move(work));
}

EMULATOR_EXPORT int cuMemcpyDtoHAsync_v2(void* to, uint64_t from, size_t bytes, void* handle) {
  ENTRY_IN_CONTEXT();
  if (to == nullptr || deviceRange(from, bytes) == nullptr) {
    return INVALID_VALUE;
  }
  Work work;
  work.kind = Work::COPY;
  work.to = reinterpret_cast<uintptr_t>(to);
  work.from = from;
  work.bytes = bytes;
  bool pinned = isPinned(work.to, bytes);
  if (!pinned && state().settings.strict) {
    return refusePageable("cuMemcpyDtoHAsync", to, bytes);
  }
  auto stream = streamOf(handle, context);
  if (stream == nullptr) {
    return INVALID_HANDLE;
  }
  if (!pinned && stream->capture != nullptr) {
    return refuseInCapture(*stream->capture);
  }
  if (pinned && !state().settings.nullKernels && !isUsedByQueuedWork(work.to, bytes)) {
    memset(to, 0xff, bytes);  // Who reads before the copy is done shall notice.
  }
  int result = enqueueCopy(context, handle, std::move(work));
  if (result == SUCCESS && !pinned) {
    runUntil({stream, stream->enqueued});
    return context->error;
  }
  return result;
}

EMULATOR_EXPORT int cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t bytes, void* stream) {
  ENTRY_IN_CONTEXT();
  const Allocation* target = deviceRange(to, bytes);
  const Allocation* source = deviceRange(from, bytes);
  if (target == nullptr || source == nullptr) {
    return INVALID_VALUE;
  }
  Work work;
  work.kind = Work::COPY;
  work.to = to;
  work.from = from;
  work.bytes = bytes;
  return enqueueCopy(context, stream, std::move(work));
}

EMULATOR_EXPORT int cuMemcpyPeerAsync(uint64_t to, void* toContext, uint64_t from, void* fromContext, size_t bytes,
                                      void* stream) {
  ENTRY_IN_CONTEXT();
  auto target = state().contexts.find(reinterpret_cast<uint64_t>(toContext));
  auto source = state().contexts.find(reinterpret_cast<uint64_t>(fromContext));
  if (target == state().contexts.end() || source == state().contexts.end()) {
    return INVALID_CONTEXT;
  }
  const Allocation* toMemory = deviceRange(to, bytes);
  const Allocation* fromMemory = deviceRange(from, bytes);
  if (toMemory == nullptr || fromMemory == nullptr || toMemory->device != target->second->device ||
      fromMemory->device != source->second->device) {
    return INVALID_VALUE;
  }
  Work work;
  work.kind = Work::COPY;
  work.to = to;
  work.from = from;
  work.bytes = bytes;
  return enqueueCopy(context, stream, std::move(work));
}

EMULATOR_EXPORT int cuMemsetD8Async(uint64_t to, unsigned char value, size_t bytes, void* stream) {
  ENTRY_IN_CONTEXT();
  if (deviceRange(to, bytes) == nullptr) {
    return INVALID_VALUE;
  }
  Work work;
  work.kind = Work::FILL;
  work.to = to;
  work.bytes = bytes;
  work.value = value;
  return enqueueCopy(context, stream, std::move(work));
}

/// The functions of NCCL that are used, over the emulated driver: the library is its own NCCL. Each rank brings its values
/// to the host, meets the others there, and takes the sums back; a rank that never comes holds the others up, until the
/// communicators are aborted.
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <vector>

#include "driver.hpp"

EMULATOR_EXPORT int cuMemHostAlloc(void** address, size_t bytes, unsigned flags);
EMULATOR_EXPORT int cuMemFreeHost(void* address);
EMULATOR_EXPORT int cuMemcpyDtoHAsync_v2(void* target, uint64_t source, size_t bytes, void* stream);
EMULATOR_EXPORT int cuMemcpyHtoDAsync_v2(uint64_t target, const void* source, size_t bytes, void* stream);
EMULATOR_EXPORT int cuStreamSynchronize(void* stream);

namespace {

constexpr int UNHANDLED_CUDA_ERROR = 1;
constexpr int INTERNAL_ERROR = 3;
constexpr int INVALID_ARGUMENT = 4;
constexpr int INVALID_USAGE = 5;
constexpr int FLOAT32 = 7;

/// The ranks that sum together.
struct Group {
  std::mutex lock;
  std::condition_variable changed;
  std::vector<const float*> shown;
  std::vector<float> sums;
  size_t count = 0;
  int arrived = 0;
  int left = 0;
  bool aborted = false;
};

struct Communicator {
  std::shared_ptr<Group> group;
  int rank;
};

/// Where `values` of all ranks have been added, from the last rank to the first: another order than the backend's own.
/// False where a rank will never come.
bool meet(Group& group, int rank, float* values, size_t count, int& result) {
  std::unique_lock<std::mutex> held(group.lock);
  auto ranks = group.shown.size();
  group.changed.wait(held, [&] { return group.left == 0 || group.aborted; });
  if (group.aborted) {
    return false;
  }
  if (group.arrived == 0) {
    group.count = count;
  } else if (group.count != count) {
    result = INVALID_USAGE;
  }
  group.shown[rank] = values;
  if (++group.arrived == (int)ranks) {
    group.sums.assign(count, 0.0f);
    for (size_t other = ranks; other-- > 0;) {
      for (size_t i = 0; i < count; i++) {
        group.sums[i] += group.shown[other][i];
      }
    }
    group.left = (int)ranks;
    group.arrived = 0;
    group.changed.notify_all();
  } else {
    group.changed.wait(held, [&] { return group.left > 0 || group.aborted; });
    if (group.left == 0) {
      return false;
    }
  }
  memcpy(values, group.sums.data(), count * sizeof(float));
  if (--group.left == 0) {
    group.changed.notify_all();
  }
  return true;
}

int end(Communicator* communicator, bool abort) {
  if (communicator == nullptr) {
    return INVALID_ARGUMENT;
  }
  {
    std::lock_guard<std::mutex> held(communicator->group->lock);
    communicator->group->aborted |= abort;
    communicator->group->changed.notify_all();
  }
  delete communicator;
  return 0;
}

}  // namespace

EMULATOR_EXPORT int ncclGetVersion(int* version) {
  *version = 22703;
  return 0;
}

/// Refused where EMULATED_NCCL_BROKEN is set, as a library that does not fit the driver is.
EMULATOR_EXPORT int ncclCommInitAll(Communicator** communicators, int count, const int* devices) {
  if (count < 1 || devices == nullptr) {
    return INVALID_ARGUMENT;
  }
  if (getenv("EMULATED_NCCL_BROKEN") != nullptr) {
    return UNHANDLED_CUDA_ERROR;
  }
  auto group = std::make_shared<Group>();
  group->shown.resize(count);
  for (int rank = 0; rank < count; rank++) {
    communicators[rank] = new Communicator{group, rank};
  }
  return 0;
}

EMULATOR_EXPORT int ncclAllReduce(
    uint64_t source, uint64_t target, size_t count, int type, int operation, Communicator* communicator, void* stream) {
  if (communicator == nullptr || type != FLOAT32 || operation != 0) {
    return INVALID_ARGUMENT;
  }
  void* host;
  size_t bytes = count * sizeof(float);
  if (cuMemHostAlloc(&host, bytes, 0) != 0) {
    return UNHANDLED_CUDA_ERROR;
  }
  int result = 0;
  auto group = communicator->group;
  if (cuMemcpyDtoHAsync_v2(host, source, bytes, stream) != 0 || cuStreamSynchronize(stream) != 0) {
    result = UNHANDLED_CUDA_ERROR;
  } else if (!meet(*group, communicator->rank, static_cast<float*>(host), count, result)) {
    // The sum of an aborted communicator is anything: the step has failed elsewhere.
    result = result == 0 ? INTERNAL_ERROR : result;
  } else if (
      cuMemcpyHtoDAsync_v2(target, host, bytes, stream) != 0 || cuStreamSynchronize(stream) != 0) {
    result = UNHANDLED_CUDA_ERROR;
  }
  cuMemFreeHost(host);
  return result;
}

EMULATOR_EXPORT int ncclCommAbort(Communicator* communicator) { return end(communicator, true); }

EMULATOR_EXPORT int ncclCommDestroy(Communicator* communicator) { return end(communicator, false); }

EMULATOR_EXPORT const char* ncclGetErrorString(int result) {
  switch (result) {
    case UNHANDLED_CUDA_ERROR:
      return "unhandled cuda error";
    case INTERNAL_ERROR:
      return "internal error";
    case INVALID_ARGUMENT:
      return "invalid argument";
    case INVALID_USAGE:
      return "invalid usage";
    default:
      return "no error";
  }
}

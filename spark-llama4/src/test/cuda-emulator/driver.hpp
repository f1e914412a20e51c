/// State of the emulated driver: devices, contexts, and what they own. All of it is used under one lock.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "block.hpp"
#include "registry.hpp"

namespace emulator {

/// The CUresult values that the emulator returns.
enum Result {
  SUCCESS = 0,
  INVALID_VALUE = 1,
  OUT_OF_MEMORY = 2,
  NOT_INITIALIZED = 3,
  NO_DEVICE = 100,
  INVALID_DEVICE = 101,
  INVALID_IMAGE = 200,
  INVALID_CONTEXT = 201,
  PEER_ACCESS_UNSUPPORTED = 217,
  INVALID_HANDLE = 400,
  NOT_FOUND = 500,
  NOT_READY = 600,
  ILLEGAL_ADDRESS = 700,
  LAUNCH_OUT_OF_RESOURCES = 701,
  PEER_ACCESS_ALREADY_ENABLED = 704,
  CONTEXT_IS_DESTROYED = 709,
  LAUNCH_FAILED = 719,
  CAPTURE_UNSUPPORTED = 900,
  CAPTURE_INVALIDATED = 901,
  CAPTURE_UNMATCHED = 903,
  CAPTURE_UNJOINED = 904,
  CAPTURE_IMPLICIT = 906,
  CAPTURED_EVENT = 907,
};

/// Whether a context is of no use after the error.
bool isSticky(int error);

struct Context;
struct Stream;
struct Graph;

/// What a handle stands for. Handles are numbers that never come back.
struct Object {
  virtual ~Object() = default;
  uint64_t handle = 0;
  Context* context = nullptr;
};

struct Module : Object {};

struct Function : Object {
  const Kernel* kernel = nullptr;
  std::shared_ptr<Module> module;
  unsigned mostDynamicShared = 48 * 1024;
};

/// The `number`th piece of work of a stream.
struct Position {
  std::shared_ptr<Stream> stream;
  uint64_t number = 0;
};

struct Event : Object {
  unsigned flags = 0;
  Position recorded;
  double seconds = 0;                   ///< when the record ran
  std::weak_ptr<Graph> captured;        ///< the capture that it was last recorded in
  std::vector<size_t> capturedAfter;    ///< nodes of that capture
};

/// A piece of work in a stream or a graph.
struct Work {
  enum Kind { KERNEL, COPY, FILL, RECORD, NOTHING, GRAPH } kind = NOTHING;
  Context* context = nullptr;
  std::vector<Position> after;     ///< besides what is before it in its stream
  std::vector<size_t> nodesAfter;  ///< in a graph
  std::shared_ptr<Function> function;
  Dim3 grid, block;
  unsigned sharedBytes = 0;
  std::vector<char> arguments;
  uintptr_t to = 0, from = 0;
  size_t bytes = 0;
  std::vector<char> staged;  ///< what was read of pageable memory when the copy was called
  bool isStaged = false;
  Context* peer = nullptr;  ///< owner of `from`, where it is another device
  unsigned char value = 0;
  std::shared_ptr<Event> event;
  std::shared_ptr<Graph> graph;
};

/// A capture, and what it becomes; an executable graph holds a copy.
struct Graph : Object {
  std::vector<Work> nodes;
  bool executable = false;
  bool invalidated = false;
  int mode = 0;
  std::set<Stream*> streams;  ///< in the capture, while it goes on
};

struct Stream : Object {
  unsigned flags = 0;
  std::deque<Work> queue;
  uint64_t enqueued = 0, finished = 0;
  bool isDefault = false;
  bool destroyed = false;
  std::shared_ptr<Graph> capture;
  bool captureOrigin = false;
  std::vector<size_t> lastNodes;  ///< of the capture: what the next node comes after
};

struct Context {
  int device = 0;
  uint64_t handle = 0;
  int retained = 0;
  int error = 0;  ///< sticky
  std::shared_ptr<Stream> defaultStream;
  std::vector<std::shared_ptr<Stream>> streams;  ///< with the default one, and destroyed ones that have work left
  std::set<int> peers;                           ///< devices whose memory may be used
};

struct Device {
  size_t used = 0;
  std::unique_ptr<Context> primary;
};

struct Settings {
  int devices = 1;
  size_t memory = size_t{1} << 30;
  bool nullKernels = false;
  bool strict = false;  ///< copies from and to memory that is not pinned are refused
  int computeCapability = 90;
  int driverVersion = 12090;
  int multiprocessors = 8;
  int schedule = 0;
  uint64_t seed = 1;
};

/// What the environment says: EMULATED_CUDA_DEVICES, _MEMORY, _STRICT, _NULL_KERNELS, _COMPUTE_CAPABILITY, _SCHEDULE
/// and _SEED.
Settings settingsOfEnvironment();

struct State {
  std::mutex lock;
  bool initialized = false;
  bool hasDevices = false;
  Settings settings = settingsOfEnvironment();
  std::vector<Device> devices;
  std::vector<int> visible;  ///< by CUDA_VISIBLE_DEVICES, in its order
  std::unordered_map<uint64_t, std::shared_ptr<Object>> objects;
  std::unordered_map<uint64_t, Context*> contexts;
  uint64_t nextHandle = 0x1000;
  long leaked = 0;
};

State& state();

/// Of the calling thread; null where there is none or it is gone.
Context* currentContext();
void setCurrentContext(uint64_t handle);
uint64_t currentContextHandle();

template <class T>
std::shared_ptr<T> find(const void* handle) {
  auto found = state().objects.find(reinterpret_cast<uint64_t>(handle));
  return found == state().objects.end() ? nullptr : std::dynamic_pointer_cast<T>(found->second);
}

template <class T>
std::shared_ptr<T> create(Context* context) {
  auto object = std::make_shared<T>();
  object->context = context;
  object->handle = state().nextHandle += 0x10;
  state().objects[object->handle] = object;
  return object;
}

inline void* asHandle(uint64_t handle) { return reinterpret_cast<void*>(handle); }

/// 16 bytes that name a device.
void uuidOf(int device, unsigned char* uuid);

/// Begins anew with what the settings say.
void applySettings();
void makeDevices();
void destroyContext(Context& context);
void resetEverything();

/// Inside the driver: alone, and when left, device memory is hidden again.
class Inside {
 public:
  Inside() : alone(state().lock) {}
  ~Inside();
  Inside(const Inside&) = delete;

 private:
  std::lock_guard<std::mutex> alone;
};

/// The time that a call spends in the driver, from its first instruction to its last.
class TimedCall {
 public:
  TimedCall() : start(std::chrono::steady_clock::now()) {}
  ~TimedCall();
  TimedCall(const TimedCall&) = delete;

 private:
  std::chrono::steady_clock::time_point start;
};
/// What all calls took that have returned, of all threads.
long long driverNanos();

/// A call of an entry point: counted, and refused where a failure was asked for.
struct EntryPoint {
  long calls = 0;
  long failAt = 0;  ///< of `calls`; 0: never; -1: always
  int failure = 0;
};
EntryPoint& entryPoint(const char* name);
std::map<std::string, EntryPoint>& entryPoints();
/// 0, or the failure asked for.
int countCall(EntryPoint& entry);

}  // namespace emulator

#define EMULATOR_EXPORT extern "C" __attribute__((visibility("default")))

/// First in each entry point: takes the time and the lock, counts the call, fails where that was asked for.
#define ENTRY()                                                                                  \
  ::emulator::TimedCall timed;                                                                   \
  ::emulator::Inside inside;                                                                     \
  static ::emulator::EntryPoint& entryOfCall = ::emulator::entryPoint(__func__);                 \
  if (int injected = ::emulator::countCall(entryOfCall)) return injected

/// The same, and declares `context`: the calling thread's, without a sticky error.
#define ENTRY_IN_CONTEXT()                                          \
  ENTRY();                                                          \
  ::emulator::Context* context = ::emulator::currentContext();      \
  if (context == nullptr) return ::emulator::contextError();        \
  if (context->error != 0) return context->error

namespace emulator {
/// Why the calling thread has no context.
int contextError();
}

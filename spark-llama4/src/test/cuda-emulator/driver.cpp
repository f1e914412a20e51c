#include "driver.hpp"

#include <atomic>
#include <cstring>
#include <cstdlib>

#include "entry-points.hpp"
#include "memory.hpp"
#include "report.hpp"
#include "scheduler.hpp"
#include "streams.hpp"

namespace emulator {

namespace {

thread_local uint64_t currentHandle;
std::string last;
std::atomic<long long> nanosOfCalls{0};

}  // namespace

std::string formatted(const char* format, va_list arguments) {
  char text[2000];
  vsnprintf(text, sizeof text, format, arguments);
  return text;
}

void report(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  last = formatted(format, arguments);
  va_end(arguments);
  if (getenv("EMULATED_CUDA_VERBOSE") != nullptr) {
    fprintf(stderr, "emulated CUDA: %s\n", last.c_str());
  }
}

const std::string& lastReport() { return last; }
void clearReport() { last.clear(); }

bool isSticky(int error) { return error == 700 || error == 702 || (error >= 713 && error <= 719); }

Inside::~Inside() { hideAll(); }

TimedCall::~TimedCall() {
  auto took = std::chrono::steady_clock::now() - start;
  nanosOfCalls += std::chrono::duration_cast<std::chrono::nanoseconds>(took).count();
}

long long driverNanos() { return nanosOfCalls; }

State& state() {
  static State all;
  return all;
}

Context* currentContext() {
  auto found = state().contexts.find(currentHandle);
  return found == state().contexts.end() ? nullptr : found->second;
}
void setCurrentContext(uint64_t handle) { currentHandle = handle; }
uint64_t currentContextHandle() { return currentHandle; }

int contextError() {
  return !state().initialized ? NOT_INITIALIZED : currentHandle == 0 ? INVALID_CONTEXT : CONTEXT_IS_DESTROYED;
}

std::map<std::string, EntryPoint>& entryPoints() {
#define NAMED(name) {#name, {}},
  static std::map<std::string, EntryPoint> all = {EMULATOR_ENTRY_POINTS(NAMED)};
#undef NAMED
  return all;
}

EntryPoint& entryPoint(const char* name) { return entryPoints().at(name); }

int countCall(EntryPoint& entry) {
  entry.calls++;
  if (entry.failAt != -1 && entry.failAt != entry.calls) {
    return SUCCESS;
  }
  if (Context* context = currentContext(); context != nullptr && isSticky(entry.failure) && context->error == 0) {
    context->error = entry.failure;
  }
  return entry.failure;
}


void applySettings() {
  const Settings& settings = state().settings;
  freshByte = settings.nullKernels ? 0 : 0xff;
  schedule = static_cast<Schedule>(settings.schedule);
  seedSchedule(settings.seed);
  makeDevices();
}

void destroyContext(Context& context) {
  State& all = state();
  for (auto each = all.objects.begin(); each != all.objects.end();) {
    if (each->second->context == &context) {
      all.leaked += dynamic_cast<Function*>(each->second.get()) == nullptr;
      each = all.objects.erase(each);
    } else {
      ++each;
    }
  }
  auto allocations = liveAllocations();
  for (auto& [address, allocation] : allocations) {
    if (allocation.owner == context.device) {
      all.leaked++;
      release(allocationAt(address));
    }
  }
  all.devices[static_cast<size_t>(context.device)].used = 0;
  all.contexts.erase(context.handle);
  for (auto& stream : context.streams) {
    stream->queue.clear();
  }
  all.devices[static_cast<size_t>(context.device)].primary = nullptr;
}

void resetEverything() {
  State& all = state();
  for (auto& device : all.devices) {
    if (device.primary != nullptr) {
      destroyContext(*device.primary);
    }
  }
  auto pinned = liveAllocations();
  for (auto& each : pinned) {
    release(allocationAt(each.first));
  }
  all.objects.clear();
  all.settings = settingsOfEnvironment();
  all.initialized = false;
  all.leaked = 0;
  for (auto& entry : entryPoints()) {
    entry.second.calls = entry.second.failAt = 0;
  }
  hiding = true;
  alignmentOfMemory = 256;
  clearReport();
  applySettings();
}

}  // namespace emulator

#include "streams.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "faults.hpp"
#include "memory.hpp"
#include "recording.hpp"
#include "report.hpp"
#include "scheduler.hpp"

namespace emulator {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::shared_ptr<Stream> streamOf(void* handle, Context* context) {
  if (reinterpret_cast<uint64_t>(handle) <= 1) {
    return context->defaultStream;
  }
  return find<Stream>(handle);
}

namespace {

constexpr unsigned NON_BLOCKING = 1;

/// 0 where the parameter is no pointer.
uintptr_t pointerArgument(const Work& work, size_t index) {
  const Parameter& parameter = work.function->kernel->parameters[index];
  uintptr_t address = 0;
  if (parameter.pointer) {
    memcpy(&address, work.arguments.data() + parameter.offset, sizeof address);
  }
  return address;
}

bool pointersAreAlive(const Work& work) {
  const Kernel& kernel = *work.function->kernel;
  for (size_t i = 0; i < kernel.parameters.size(); i++) {
    uintptr_t address = pointerArgument(work, i);
    if (address != 0 && allocationAround(address, 0) == nullptr) {
      report("kernel %s: argument %zu points to %s", kernel.name, i, describeAddress(address));
      return false;
    }
  }
  return true;
}

int runKernel(const Work& work) {
  if (!pointersAreAlive(work)) {
    return ILLEGAL_ADDRESS;
  }
  if (state().settings.nullKernels) {
    return SUCCESS;
  }
  Launch toRun;
  toRun.kernel = work.function->kernel;
  toRun.grid = work.grid;
  toRun.block = work.block;
  toRun.sharedBytes = work.sharedBytes;
  toRun.arguments = work.arguments.data();
  record(toRun);
  return runLaunch(toRun);
}

int runTransfer(const Work& work) {
  auto to = reinterpret_cast<void*>(work.to);
  auto from = work.isStaged ? work.staged.data() : reinterpret_cast<const char*>(work.from);
  bool whole = guarded([&] {
    if (work.kind == Work::FILL) {
      memset(to, work.value, work.bytes);
    } else {
      memmove(to, from, work.bytes);
    }
  });
  if (!whole) {
    report("a %s of %zu bytes from 0x%zx to 0x%zx touched %s", work.kind == Work::FILL ? "fill" : "copy", work.bytes,
           work.from, work.to, describeAddress(lastFault.address));
    return ILLEGAL_ADDRESS;
  }
  return SUCCESS;
}

int run(const Work& work, const Context& context);

/// Nodes in any order that their edges allow.
int runGraph(const Graph& graph, const Context& context) {
  std::vector<bool> done(graph.nodes.size());
  for (size_t left = graph.nodes.size(); left > 0; left--) {
    std::vector<size_t> ready;
    for (size_t i = 0; i < graph.nodes.size(); i++) {
      bool free = !done[i];
      for (size_t before : graph.nodes[i].nodesAfter) {
        free = free && done[before];
      }
      if (free) {
        ready.push_back(i);
        if (schedule == Schedule::IN_ORDER) {
          break;
        }
      }
    }
    size_t next = ready[ready.size() == 1 ? 0 : randomBelow(ready.size())];
    if (int error = run(graph.nodes[next], context)) {
      return error;
    }
    done[next] = true;
  }
  return SUCCESS;
}

int run(const Work& work, const Context& context) {
  setAccess({work.kind != Work::KERNEL, context.device, &context.peers});
  switch (work.kind) {
    case Work::KERNEL:
      return runKernel(work);
    case Work::COPY:
    case Work::FILL:
      return runTransfer(work);
    case Work::RECORD:
      work.event->seconds = now();
      return SUCCESS;
    case Work::GRAPH:
      return runGraph(*work.graph, context);
    case Work::NOTHING:
      break;
  }
  return SUCCESS;
}

bool canRun(const Stream& stream) {
  if (stream.queue.empty()) {
    return false;
  }
  for (const Position& position : stream.queue.front().after) {
    if (!isDone(position)) {
      return false;
    }
  }
  return true;
}

void runFront(const std::shared_ptr<Stream>& toRun) {
  std::shared_ptr<Stream> kept = toRun;
  Stream& stream = *kept;
  Work work = std::move(stream.queue.front());
  stream.queue.pop_front();
  Context& context = *work.context;
  if (context.error == 0) {  // The rest of a broken context is dropped.
    context.error = run(work, context);
  }
  stream.finished++;
  if (stream.destroyed && stream.queue.empty()) {
    auto& streams = stream.context->streams;
    streams.erase(std::find_if(streams.begin(), streams.end(), [&](auto& each) { return each.get() == &stream; }));
  }
}

/// Any stream whose next work may run, of all devices.
std::shared_ptr<Stream> anyReady() {
  std::vector<std::shared_ptr<Stream>> ready;
  for (auto& device : state().devices) {
    if (device.primary != nullptr) {
      for (auto& stream : device.primary->streams) {
        if (canRun(*stream)) {
          ready.push_back(stream);
        }
      }
    }
  }
  return ready.empty() ? nullptr : ready[randomBelow(ready.size())];
}

}  // namespace

void runOne(const std::shared_ptr<Stream>& stream) {
  if (stream->queue.empty()) {
    return;
  }
  std::vector<Position> before = stream->queue.front().after;
  for (const Position& position : before) {
    runUntil(position);
  }
  runFront(stream);
}

void runUntil(const Position& position) {
  while (!isDone(position)) {
    if (schedule != Schedule::IN_ORDER) {
      if (auto other = anyReady()) {
        runFront(other);
        continue;
      }
    }
    runOne(position.stream);
  }
}

void runAll(Context& context) {
  auto streams = context.streams;
  for (auto& stream : streams) {
    runUntil({stream, stream->enqueued});
  }
}

void runEverything() {
  for (auto& device : state().devices) {
    if (device.primary != nullptr) {
      runAll(*device.primary);
    }
  }
}

int enqueue(const std::shared_ptr<Stream>& stream, Work work) {
  work.context = stream->context;
  if (stream->capture != nullptr) {
    Graph& capture = *stream->capture;
    if (capture.invalidated) {
      return CAPTURE_INVALIDATED;
    }
    work.nodesAfter = stream->lastNodes;
    stream->lastNodes = {capture.nodes.size()};
    capture.nodes.push_back(std::move(work));
    return SUCCESS;
  }
  Context& context = *stream->context;
  if (stream->isDefault) {
    for (auto& other : context.streams) {
      if (other->capture != nullptr && (other->flags & NON_BLOCKING) == 0) {
        other->capture->invalidated = true;
        return CAPTURE_IMPLICIT;
      }
      if (other != stream && (other->flags & NON_BLOCKING) == 0) {
        work.after.push_back({other, other->enqueued});
      }
    }
  } else if ((stream->flags & NON_BLOCKING) == 0) {
    work.after.push_back({context.defaultStream, context.defaultStream->enqueued});
  }
  stream->queue.push_back(std::move(work));
  stream->enqueued++;
  // A GPU begins at once, or not: here one of four times.
  while (schedule != Schedule::IN_ORDER && randomBelow(4) == 0) {
    if (auto ready = anyReady()) {
      runFront(ready);
    } else {
      break;
    }
  }
  return SUCCESS;
}

int refuseInCapture(Graph& capture) {
  capture.invalidated = true;
  return CAPTURE_UNSUPPORTED;
}

Graph* forbiddingCapture() {
  for (auto& device : state().devices) {
    if (device.primary != nullptr) {
      for (auto& stream : device.primary->streams) {
        if (stream->capture != nullptr && stream->capture->mode != 2) {
          return stream->capture.get();
        }
      }
    }
  }
  return nullptr;
}

/// Whether the work copies from or to the memory, or has a pointer into it among its arguments.
static bool uses(const Work& work, uintptr_t address, size_t bytes) {
  auto meets = [&](uintptr_t other, size_t length) { return other < address + bytes && address < other + length; };
  if (work.kind == Work::COPY) {
    return meets(work.to, work.bytes) || (!work.isStaged && meets(work.from, work.bytes));
  }
  if (work.kind == Work::GRAPH) {
    for (const Work& node : work.graph->nodes) {
      if (uses(node, address, bytes)) {
        return true;
      }
    }
  }
  for (size_t i = 0; work.kind == Work::KERNEL && i < work.function->kernel->parameters.size(); i++) {
    if (meets(pointerArgument(work, i), 1)) {
      return true;
    }
  }
  return false;
}

bool isUsedByQueuedWork(uintptr_t address, size_t bytes) {
  for (auto& device : state().devices) {
    if (device.primary == nullptr) {
      continue;
    }
    for (auto& stream : device.primary->streams) {
      for (const Work& work : stream->queue) {
        if (uses(work, address, bytes)) {
          return true;
        }
      }
    }
  }
  return false;
}

}  // namespace emulator

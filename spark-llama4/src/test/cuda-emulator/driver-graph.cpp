/// Entry points: capture of streams, and graphs.
#include <algorithm>

#include "streams.hpp"

using namespace emulator;

namespace {

/// Whether each node, but for those the origin ends with, is before one of the origin's last.
bool isJoined(const Graph& capture, const Stream& origin) {
  std::vector<bool> before(capture.nodes.size());
  for (size_t last : origin.lastNodes) {
    before[last] = true;
  }
  for (size_t i = capture.nodes.size(); i-- > 0;) {
    if (!before[i]) {
      return false;
    }
    for (size_t node : capture.nodes[i].nodesAfter) {
      before[node] = true;
    }
  }
  return true;
}

}  // namespace

EMULATOR_EXPORT int cuStreamBeginCapture_v2(void* handle, int mode) {
  ENTRY_IN_CONTEXT();
  auto stream = streamOf(handle, context);
  if (stream == nullptr) {
    return INVALID_HANDLE;
  }
  if (mode < 0 || mode > 2) {
    return INVALID_VALUE;
  }
  if (stream->isDefault || stream->capture != nullptr) {
    return CAPTURE_UNSUPPORTED;
  }
  stream->capture = std::make_shared<Graph>();
  stream->capture->mode = mode;
  stream->capture->context = context;
  stream->capture->streams.insert(stream.get());
  stream->captureOrigin = true;
  stream->lastNodes.clear();
  return SUCCESS;
}

EMULATOR_EXPORT int cuStreamEndCapture(void* handle, void** graph) {
  ENTRY_IN_CONTEXT();
  auto stream = streamOf(handle, context);
  if (stream == nullptr) {
    return INVALID_HANDLE;
  }
  if (graph == nullptr) {
    return INVALID_VALUE;
  }
  if (stream->capture == nullptr) {
    return INVALID_VALUE;
  }
  if (!stream->captureOrigin) {
    return CAPTURE_UNMATCHED;
  }
  auto capture = stream->capture;
  bool joined = isJoined(*capture, *stream);
  for (Stream* each : capture->streams) {
    each->capture = nullptr;
    each->lastNodes.clear();
  }
  capture->streams.clear();
  stream->captureOrigin = false;
  *graph = nullptr;
  if (capture->invalidated) {
    return CAPTURE_INVALIDATED;
  }
  if (!joined) {
    return CAPTURE_UNJOINED;
  }
  capture->handle = state().nextHandle += 0x10;
  state().objects[capture->handle] = capture;
  *graph = asHandle(capture->handle);
  return SUCCESS;
}

EMULATOR_EXPORT int cuGraphInstantiateWithFlags(void** executable, void* handle, unsigned long long flags) {
  ENTRY_IN_CONTEXT();
  auto graph = find<Graph>(handle);
  if (executable == nullptr || flags > 15) {
    return INVALID_VALUE;
  }
  if (graph == nullptr || graph->executable) {
    return INVALID_VALUE;
  }
  auto made = create<Graph>(context);
  made->nodes = graph->nodes;
  made->executable = true;
  *executable = asHandle(made->handle);
  return SUCCESS;
}

EMULATOR_EXPORT int cuGraphLaunch(void* handle, void* streamHandle) {
  ENTRY_IN_CONTEXT();
  auto graph = find<Graph>(handle);
  auto stream = streamOf(streamHandle, context);
  if (graph == nullptr || !graph->executable) {
    return INVALID_VALUE;
  }
  if (stream == nullptr) {
    return INVALID_HANDLE;
  }
  Work work;
  work.kind = Work::GRAPH;
  work.graph = graph;
  return enqueue(stream, std::move(work));
}

static int destroyGraph(void* handle, bool executable) {
  auto graph = find<Graph>(handle);
  if (graph == nullptr || graph->executable != executable) {
    return INVALID_VALUE;
  }
  state().objects.erase(graph->handle);
  return SUCCESS;
}

EMULATOR_EXPORT int cuGraphExecDestroy(void* handle) {
  ENTRY_IN_CONTEXT();
  return destroyGraph(handle, true);
}

EMULATOR_EXPORT int cuGraphDestroy(void* handle) {
  ENTRY_IN_CONTEXT();
  return destroyGraph(handle, false);
}

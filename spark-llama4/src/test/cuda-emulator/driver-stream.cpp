/// Entry points: streams and events.
#include <algorithm>

#include "streams.hpp"

using namespace emulator;

EMULATOR_EXPORT int cuStreamCreate(void** handle, unsigned flags) {
  ENTRY_IN_CONTEXT();
  if (handle == nullptr || flags > 1) {
    return INVALID_VALUE;
  }
  auto stream = create<Stream>(context);
  stream->flags = flags;
  context->streams.push_back(stream);
  *handle = asHandle(stream->handle);
  return SUCCESS;
}

EMULATOR_EXPORT int cuStreamDestroy_v2(void* handle) {
  ENTRY_IN_CONTEXT();
  auto stream = find<Stream>(handle);
  if (stream == nullptr) {
    return INVALID_HANDLE;
  }
  // Its work goes on without it: the context keeps it until that is done.
  state().objects.erase(stream->handle);
  if (stream->capture != nullptr) {
    refuseInCapture(*stream->capture);
    stream->capture->streams.erase(stream.get());
    stream->capture = nullptr;
  }
  stream->destroyed = true;
  auto& streams = stream->context->streams;
  if (stream->queue.empty()) {
    streams.erase(std::remove(streams.begin(), streams.end(), stream), streams.end());
  }
  return SUCCESS;
}

EMULATOR_EXPORT int cuStreamSynchronize(void* handle) {
  ENTRY_IN_CONTEXT();
  auto stream = streamOf(handle, context);
  if (stream == nullptr) {
    return INVALID_HANDLE;
  }
  if (stream->capture != nullptr) {
    return refuseInCapture(*stream->capture);
  }
  runUntil({stream, stream->enqueued});
  return stream->context->error;
}

EMULATOR_EXPORT int cuStreamQuery(void* handle) {
  ENTRY_IN_CONTEXT();
  auto stream = streamOf(handle, context);
  if (stream == nullptr) {
    return INVALID_HANDLE;
  }
  if (stream->capture != nullptr) {
    return refuseInCapture(*stream->capture);
  }
  bool done = isDone({stream, stream->enqueued});
  runOne(stream);  // Who asks again and again gets there in the end.
  return context->error != 0 ? context->error : done ? SUCCESS : NOT_READY;
}

EMULATOR_EXPORT int cuStreamWaitEvent(void* handle, void* eventHandle, unsigned flags) {
  ENTRY_IN_CONTEXT();
  auto stream = streamOf(handle, context);
  auto event = find<Event>(eventHandle);
  if (stream == nullptr || event == nullptr) {
    return INVALID_HANDLE;
  }
  if (flags > 1) {
    return INVALID_VALUE;
  }
  if (auto capture = event->captured.lock()) {
    if (stream->capture == nullptr) {
      stream->capture = capture;
      capture->streams.insert(stream.get());
    } else if (stream->capture != capture) {
      capture->invalidated = true;
      return CAPTURE_UNSUPPORTED;
    }
    auto& last = stream->lastNodes;
    last.insert(last.end(), event->capturedAfter.begin(), event->capturedAfter.end());
    return SUCCESS;
  }
  if (stream->capture != nullptr) {
    stream->capture->invalidated = true;  // The capture would depend on what is not in it.
    return CAPTURE_UNSUPPORTED;
  }
  Work work;
  if (event->recorded.stream != nullptr) {
    work.after.push_back(event->recorded);
  }
  return enqueue(stream, std::move(work));
}

EMULATOR_EXPORT int cuEventCreate(void** handle, unsigned flags) {
  ENTRY_IN_CONTEXT();
  if (handle == nullptr || flags > 7) {
    return INVALID_VALUE;
  }
  auto event = create<Event>(context);
  event->flags = flags;
  *handle = asHandle(event->handle);
  return SUCCESS;
}

EMULATOR_EXPORT int cuEventRecord(void* eventHandle, void* handle) {
  ENTRY_IN_CONTEXT();
  auto stream = streamOf(handle, context);
  auto event = find<Event>(eventHandle);
  if (stream == nullptr || event == nullptr || stream->context != event->context) {
    return INVALID_HANDLE;
  }
  if (stream->capture != nullptr) {
    event->captured = stream->capture;
    event->capturedAfter = stream->lastNodes;
    return SUCCESS;
  }
  Work work;
  work.kind = Work::RECORD;
  work.event = event;
  int result = enqueue(stream, std::move(work));
  if (result == SUCCESS) {
    event->captured.reset();
    event->recorded = {stream, stream->enqueued};
  }
  return result;
}

EMULATOR_EXPORT int cuEventSynchronize(void* handle) {
  ENTRY_IN_CONTEXT();
  auto event = find<Event>(handle);
  if (event == nullptr) {
    return INVALID_HANDLE;
  }
  if (auto capture = event->captured.lock()) {
    capture->invalidated = true;
    return CAPTURED_EVENT;
  }
  runUntil(event->recorded);
  return event->context->error;
}

EMULATOR_EXPORT int cuEventQuery(void* handle) {
  ENTRY_IN_CONTEXT();
  auto event = find<Event>(handle);
  if (event == nullptr) {
    return INVALID_HANDLE;
  }
  if (auto capture = event->captured.lock()) {
    capture->invalidated = true;
    return CAPTURED_EVENT;
  }
  bool done = isDone(event->recorded);
  if (!done) {
    runOne(event->recorded.stream);
  }
  return context->error != 0 ? context->error : done ? SUCCESS : NOT_READY;
}

EMULATOR_EXPORT int cuEventElapsedTime(float* milliseconds, void* startHandle, void* endHandle) {
  ENTRY_IN_CONTEXT();
  auto start = find<Event>(startHandle), end = find<Event>(endHandle);
  constexpr unsigned DISABLE_TIMING = 2;
  if (start == nullptr || end == nullptr || start->recorded.stream == nullptr || end->recorded.stream == nullptr ||
      ((start->flags | end->flags) & DISABLE_TIMING) != 0) {
    return INVALID_HANDLE;
  }
  if (milliseconds == nullptr) {
    return INVALID_VALUE;
  }
  if (!isDone(start->recorded) || !isDone(end->recorded)) {
    return NOT_READY;
  }
  *milliseconds = static_cast<float>((end->seconds - start->seconds) * 1000);
  return SUCCESS;
}

EMULATOR_EXPORT int cuEventDestroy_v2(void* handle) {
  ENTRY_IN_CONTEXT();
  auto event = find<Event>(handle);
  if (event == nullptr) {
    return INVALID_HANDLE;
  }
  state().objects.erase(event->handle);
  return SUCCESS;
}

/// Streams as queues whose work runs as late as is legal, or in a random order that is legal too.
#pragma once

#include "driver.hpp"

namespace emulator {

/// The stream of a handle, 0 and 1 being the default one; null: no such stream.
std::shared_ptr<Stream> streamOf(void* handle, Context* context);

/// Adds the work to the stream, or to its capture.
int enqueue(const std::shared_ptr<Stream>& stream, Work work);

/// Runs what must run until this is done.
void runUntil(const Position& position);
void runAll(Context& context);
void runEverything();
/// Runs the next piece of work of the stream, and what it waits for.
void runOne(const std::shared_ptr<Stream>& stream);

inline bool isDone(const Position& position) {
  return position.stream == nullptr || position.stream->finished >= position.number;
}

/// Ends a capture in failure where the call is none that may be captured; the result of the call.
int refuseInCapture(Graph& capture);
/// The capture that forbids calls like cuMemAlloc, or null.
Graph* forbiddingCapture();

/// Host memory that work not yet run reads or writes.
bool isUsedByQueuedWork(uintptr_t address, size_t bytes);

double now();

}  // namespace emulator

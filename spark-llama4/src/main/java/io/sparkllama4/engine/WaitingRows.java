package io.sparkllama4.engine;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.Map;

/// Rows that no step has touched yet, a queue for each query, taken in turn: a query of ten million
/// rows does not keep an analyst waiting.
final class WaitingRows {
  private final Map<String, Deque<Sequence>> queues = new LinkedHashMap<>();

  void add(String query, Sequence sequence) {
    queues.computeIfAbsent(query, name -> new ArrayDeque<>()).add(sequence);
  }

  boolean isEmpty() {
    return queues.isEmpty();
  }

  /// The row whose turn it is.
  Sequence peek() {
    return queues.values().iterator().next().getFirst();
  }

  /// Takes the row whose turn it is; its query goes to the end of the line.
  Sequence take() {
    var first = queues.entrySet().iterator().next();
    Deque<Sequence> queue = first.getValue();
    Sequence sequence = queue.removeFirst();
    queues.remove(first.getKey());
    if (!queue.isEmpty()) {
      queues.put(first.getKey(), queue);
    }
    return sequence;
  }

  /// Removes rows whose callers have lost interest.
  void dropCancelled() {
    queues.values().forEach(queue -> queue.removeIf(Sequence::isCancelled));
    queues.values().removeIf(Deque::isEmpty);
  }
}

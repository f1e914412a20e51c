package io.sparkllama4.engine;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

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

  /// Puts rows that were taken back to where they were in their queries, in the order in which they
  /// were taken.
  void putBack(List<Sequence> taken) {
    for (Sequence sequence : taken.reversed()) {
      queues
          .computeIfAbsent(sequence.submission().query(), name -> new ArrayDeque<>())
          .addFirst(sequence);
    }
  }

  /// Takes rows out that somebody has lost interest in, or that have waited too long.
  List<Sequence> takeAll(Predicate<Sequence> which) {
    List<Sequence> taken = new ArrayList<>();
    for (Deque<Sequence> queue : queues.values()) {
      for (Iterator<Sequence> rows = queue.iterator(); rows.hasNext(); ) {
        Sequence sequence = rows.next();
        if (which.test(sequence)) {
          taken.add(sequence);
          rows.remove();
        }
      }
    }
    queues.values().removeIf(Deque::isEmpty);
    return taken;
  }
}

package io.sparkllama4.engine;

import java.util.Arrays;

/// A list of ints that grows.
final class IntList {
  private int[] values;
  private int size;

  IntList(int capacity) {
    values = new int[Math.max(1, capacity)];
  }

  /// A list that takes over `values`.
  static IntList of(int[] values) {
    IntList list = new IntList(0);
    list.values = values;
    list.size = values.length;
    return list;
  }

  void add(int value) {
    if (size == values.length) {
      values = Arrays.copyOf(values, Math.max(8, size + size / 2));
    }
    values[size++] = value;
  }

  int get(int index) {
    return values[index];
  }

  void set(int index, int value) {
    values[index] = value;
  }

  int size() {
    return size;
  }

  boolean isEmpty() {
    return size == 0;
  }

  /// Removes and returns the last element.
  int removeLast() {
    return values[--size];
  }

  /// Removes the first `count` elements.
  void removeFirst(int count) {
    System.arraycopy(values, count, values, 0, size - count);
    size -= count;
  }

  /// Keeps the first `length` elements.
  void truncate(int length) {
    size = length;
  }

  void clear() {
    size = 0;
  }

  /// The elements from `first` up to `end`.
  int[] copy(int first, int end) {
    return Arrays.copyOfRange(values, first, end);
  }

  /// The backing array; only the first [#size] elements count.
  int[] array() {
    return values;
  }
}

package io.sparkllama4.examples.tickets;

import java.util.List;

/// The only source of randomness: the splitmix64 generator, the same on every platform.
///
/// One object serves one ticket on one thread.
final class Dice {

  /// Increment of splitmix64: 2^64 divided by the golden ratio, made odd.
  private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;

  private long state;

  Dice(long seed) {
    this.state = seed;
  }

  /// Dice for one part of a larger whole; different parts are independent of each other.
  static Dice of(long seed, long part) {
    return new Dice(mix(mix(seed) + part * GOLDEN_GAMMA));
  }

  /// Output function of splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number
  /// generators, 2014).
  private static long mix(long bits) {
    long mixed = (bits ^ (bits >>> 30)) * 0xBF58476D1CE4E5B9L;
    mixed = (mixed ^ (mixed >>> 27)) * 0x94D049BB133111EBL;
    return mixed ^ (mixed >>> 31);
  }

  /// A number from 0 up to, not including, the bound.
  int below(int bound) {
    state += GOLDEN_GAMMA;
    return (int) Math.unsignedMultiplyHigh(mix(state), bound);
  }

  /// A number from the first up to and including the last.
  int between(int first, int last) {
    return first + below(last - first + 1);
  }

  /// True in so many of a hundred cases.
  boolean percent(int cases) {
    return below(100) < cases;
  }

  <T> T pick(List<T> choices) {
    return choices.get(below(choices.size()));
  }

  /// A number of so many digits, the first of them not zero.
  String digits(int count) {
    StringBuilder number = new StringBuilder(count).append((char) ('1' + below(9)));
    while (number.length() < count) {
      number.append((char) ('0' + below(10)));
    }
    return number.toString();
  }
}

/// Exact selection among one row of logits by one block: no sort, no atomics, and sums whose order the row's length
/// alone decides.
///
/// Every logit has a 64-bit key: keys ascend as logits descend, then as token ids ascend, so that the order of keys is
/// the order of rank. A search reads the row a few times; each time it splits a range of keys into buckets, counts and
/// weighs them, and goes on with the one in which the wanted rank or probability mass is reached. Once few keys are
/// left they are gathered in shared memory and ranked.
#pragma once

#include "intrinsics.cuh"

/// Threads of a block that samples one row.
constexpr int SAMPLE_THREADS = 512;
constexpr int SAMPLE_WARPS = SAMPLE_THREADS / 32;

/// Parts of a range of keys.
constexpr int BUCKETS = 8;

/// Keys that are ranked in shared memory, at most: one for each thread.
constexpr int WINDOW = SAMPLE_THREADS;

/// Behind the best logit by so many temperatures, weights are below 2^-46.
constexpr double NEGLIGIBLE = 32;

/// Passes that split the range of values evenly before every other one splits that of keys, which always ends.
constexpr int EVEN_PASSES = 4;

struct Ranked {
  u64 found[WINDOW];
  u64 keys[WINDOW];
  double weights[WINDOW];
};

struct SampleShared {
  /// What a thread adds to stands in its own column; what is ranked comes when the columns have been summed.
  union {
    double mass[BUCKETS][SAMPLE_THREADS];
    Ranked ranked;
  };
  /// Keys of each bucket; last, those between the base of the search and the range.
  u16 counts[BUCKETS + 1][SAMPLE_THREADS];
  u64 pivots[BUCKETS - 1];
  double bucketMass[BUCKETS];
  u32 bucketCount[BUCKETS];
  u64 keySlots[SAMPLE_WARPS];
  double massSlots[SAMPLE_WARPS];
  int countSlots[SAMPLE_WARPS];
  int chosen;
  float modelLogit;
  double normalizer;
};

/// Unnormalised probabilities: exp((value - best) / temperature).
struct Weights {
  double best;
  double inverseTemperature;
};

/// What a search looks for among the keys from `base` to below `end`: the first one, in order of rank, at which the
/// cumulated count reaches `goal`, or the cumulated mass reaches (or, where `isBeyond`, exceeds) the share `goal` of
/// the whole.
struct Goal {
  u64 base;
  u64 end;
  double goal;
  bool byMass;
  bool isBeyond;
};

/// The ranked keys among which a search ends. `total` is the mass of all keys of the search.
struct Window {
  int size;
  u32 before;
  double massBefore;
  double total;
  /// Whether all keys from the base of the search stand in it; so it is where a count is searched for that fits.
  bool isWhole;
};

/// A number that ascends as finite values descend, -0 and 0 alike; those of finite values lie between those of
/// infinities.
INLINE u32 codeOf(float value) {
  u32 bits = bitsOf(value + 0.0f);
  return (bits >> 31) != 0 ? bits : ~bits & 0x7fffffffu;
}
INLINE float valueOf(u32 code) { return floatOf((code >> 31) != 0 ? code : ~code & 0x7fffffffu); }
INLINE u64 keyOf(float value, int token) { return static_cast<u64>(codeOf(value)) << 32 | static_cast<u32>(token); }
INLINE u32 codeOfKey(u64 key) { return static_cast<u32>(key >> 32); }
INLINE int tokenOfKey(u64 key) { return static_cast<int>(static_cast<u32>(key)); }

INLINE bool isFinite(float value) { return (bitsOf(value) & 0x7f800000u) != 0x7f800000u; }

INLINE double weightOf(u32 code, const Weights& weights) {
  return expDouble((valueOf(code) - weights.best) * weights.inverseTemperature);
}

INLINE u64 smaller(u64 a, u64 b) { return b < a ? b : a; }
INLINE u64 larger(u64 a, u64 b) { return a < b ? b : a; }

/// Combines the values of all threads in a fixed tree; the same for all.
template <class T, class Combine>
INLINE T blockReduce(T value, T* slots, Combine combine) {
  for (int mask = 16; mask > 0; mask /= 2) {
    value = combine(value, shuffleXor(value, mask));
  }
  if (threadIdx.x % 32 == 0) {
    slots[threadIdx.x / 32] = value;
  }
  syncThreads();
  T result = slots[0];
  for (int warp = 1; warp < SAMPLE_WARPS; warp++) {
    result = combine(result, slots[warp]);
  }
  syncThreads();
  return result;
}

/// The sum of the values of the threads in front of this one.
INLINE int blockOffset(int value, int* slots) {
  int lane = threadIdx.x % 32;
  int sum = value;
  for (int distance = 1; distance < 32; distance *= 2) {
    int other = shuffle(sum, (lane - distance) & 31);
    sum += lane >= distance ? other : 0;
  }
  if (lane == 31) {
    slots[threadIdx.x / 32] = sum;
  }
  syncThreads();
  int offset = sum - value;
  for (int warp = 0; warp < static_cast<int>(threadIdx.x) / 32; warp++) {
    offset += slots[warp];
  }
  syncThreads();
  return offset;
}

/// Visits each token of the row with its logit; a token is always the same thread's. Two loads are on their way at
/// once: more would cost registers, and with them the second block of a multiprocessor.
template <class Visit>
INLINE void eachLogit(const float* row, int tokens, Visit visit) {
  int i = threadIdx.x;
#pragma unroll 1
  for (; i + SAMPLE_THREADS < tokens; i += 2 * SAMPLE_THREADS) {
    float first = row[i];
    float second = row[i + SAMPLE_THREADS];
    visit(first, i);
    visit(second, i + SAMPLE_THREADS);
  }
#pragma unroll 1
  for (; i < tokens; i += SAMPLE_THREADS) {
    visit(row[i], i);
  }
}

/// The key in front of which `part` of the buckets of a range lie.
INLINE u64 pivotOf(int part, int pass, u64 from, u64 end, int tokens, const Goal& goal, const Weights& weights) {
  u32 first = codeOfKey(from);
  u32 last = codeOfKey(end - 1);
  u64 pivot;
  if (first == last) {  // A tie: the ids decide.
    u64 behind = smaller(end, (static_cast<u64>(first) << 32) + static_cast<u32>(tokens));
    pivot = from + (behind - from) * part / BUCKETS;
  } else if (pass < EVEN_PASSES || pass % 2 == 0) {
    double high = valueOf(first);
    double low = valueOf(last);
    if (goal.byMass && pass == 0) {
      // What is far behind has next to no mass, and may lie very far behind.
      double negligible = high - NEGLIGIBLE / weights.inverseTemperature;
      low = low < negligible ? negligible : low;
    }
    pivot = static_cast<u64>(codeOf(static_cast<float>(high + (low - high) * part / BUCKETS))) << 32;
  } else {
    pivot = from + (end - from) / BUCKETS * part + (end - from) % BUCKETS * part / BUCKETS;
  }
  return smaller(larger(pivot, from), end);
}

/// Counts and weighs the buckets of the keys from `from` to below `end`, all of whose pivots have been placed.
INLINE void split(const float* row, int tokens, u64 from, u64 end, const Goal& goal, const Weights& weights,
                  SampleShared& shared) {
  for (int bucket = 0; bucket < BUCKETS; bucket++) {
    shared.mass[bucket][threadIdx.x] = 0;
    shared.counts[bucket][threadIdx.x] = 0;
  }
  shared.counts[BUCKETS][threadIdx.x] = 0;
  eachLogit(row, tokens, [&](float value, int token) {
    u64 key = keyOf(value, token);
    if (key < goal.base || key >= end) {
      return;
    }
    int bucket = BUCKETS;
    if (key >= from) {
      bucket = key >= shared.pivots[3] ? 4 : 0;
      bucket += key >= shared.pivots[bucket + 1] ? 2 : 0;
      bucket += key >= shared.pivots[bucket] ? 1 : 0;
      if (goal.byMass) {
        shared.mass[bucket][threadIdx.x] += weightOf(codeOfKey(key), weights);
      }
    }
    shared.counts[bucket][threadIdx.x]++;
  });
  syncThreads();
  int bucket = threadIdx.x / 32;
  if (bucket < BUCKETS) {
    double mass = 0;
    u32 count = 0;
    for (int column = threadIdx.x % 32; column < SAMPLE_THREADS; column += 32) {
      mass += shared.mass[bucket][column];
      count += shared.counts[bucket][column];
    }
    for (int mask = 16; mask > 0; mask /= 2) {
      mass += shuffleXor(mass, mask);
      count += shuffleXor(count, mask);
    }
    if (threadIdx.x % 32 == 0) {
      shared.bucketMass[bucket] = mass;
      shared.bucketCount[bucket] = count;
    }
  }
  syncThreads();
}

/// Gathers and ranks the keys from `from` to below `end`, `size` in all, `mine` among this thread's tokens.
INLINE void rank(const float* row, int tokens, u64 from, u64 end, int mine, int size, const Weights& weights,
                 SampleShared& shared) {
  int at = blockOffset(mine, shared.countSlots);
  eachLogit(row, tokens, [&](float value, int token) {
    u64 key = keyOf(value, token);
    if (key >= from && key < end) {
      shared.ranked.found[at++] = key;
    }
  });
  syncThreads();
  if (static_cast<int>(threadIdx.x) < size) {
    u64 key = shared.ranked.found[threadIdx.x];
    int place = 0;
#pragma unroll 1
    for (int i = 0; i < size; i++) {
      place += shared.ranked.found[i] < key;
    }
    shared.ranked.keys[place] = key;
    shared.ranked.weights[place] = weightOf(codeOfKey(key), weights);
  }
  syncThreads();
}

/// Searches. What `goal` names lies in the window that is left in `shared.ranked`; where rounding keeps the sums from
/// reaching it, the last keys that have mass do.
INLINE Window search(const float* row, int tokens, const Goal& goal, const Weights& weights, SampleShared& shared) {
  Window window = {0, 0, 0, 0, false};
  u64 from = goal.base;
  u64 end = goal.end;
  u32 before = 0;
  double massBefore = 0;
  bool wantsWhole = !goal.byMass && goal.goal <= WINDOW;
  for (int pass = 0;; pass++) {
    syncThreads();  // Nobody reads what the last pass or search left.
    if (threadIdx.x < BUCKETS - 1) {
      shared.pivots[threadIdx.x] = pivotOf(threadIdx.x + 1, pass, from, end, tokens, goal, weights);
    }
    syncThreads();
    split(row, tokens, from, end, goal, weights, shared);
    if (pass == 0) {
      for (int bucket = 0; bucket < BUCKETS; bucket++) {
        window.total += shared.bucketMass[bucket];
      }
    }
    double wanted = goal.byMass ? goal.goal * window.total : goal.goal;
    int chosen = -1;
    for (int bucket = 0; bucket < BUCKETS; bucket++) {
      u32 count = shared.bucketCount[bucket];
      double mass = shared.bucketMass[bucket];
      if (count != 0 && (chosen < 0 || !goal.byMass || mass > 0)) {
        chosen = bucket;
        window.before = before;
        window.massBefore = massBefore;
      }
      before += count;
      massBefore += mass;
      double reached = goal.byMass ? massBefore : before;
      if (count != 0 && (goal.isBeyond ? reached > wanted : reached >= wanted)) {
        break;
      }
    }
    u32 count = shared.bucketCount[chosen];
    from = chosen == 0 ? from : shared.pivots[chosen - 1];
    end = chosen == BUCKETS - 1 ? end : shared.pivots[chosen];
    int mine = shared.counts[chosen][threadIdx.x];
    if (window.before + count <= WINDOW) {
      for (int bucket = 0; bucket < chosen; bucket++) {
        mine += shared.counts[bucket][threadIdx.x];
      }
      mine += shared.counts[BUCKETS][threadIdx.x];
      window.size = window.before + count;
      window.before = 0;
      window.massBefore = 0;
      window.isWhole = true;
      rank(row, tokens, goal.base, end, mine, window.size, weights, shared);
      return window;
    }
    if (count <= WINDOW && !wantsWhole) {
      window.size = count;
      rank(row, tokens, from, end, mine, window.size, weights, shared);
      return window;
    }
    before = window.before;
    massBefore = window.massBefore;
  }
}

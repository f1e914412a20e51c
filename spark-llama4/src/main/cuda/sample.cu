/// Makes rows of logits into tokens and log-probabilities, of which alone anything goes back to the host.
///
/// Candidates are ranked by logit, the lower id first on a tie. Nothing is sorted: how many candidates, or how much
/// probability, stand above a rank is summed over digits of order-preserving keys, in double, in an order that the
/// vocabulary's size decides.
#include "intrinsics.cuh"

constexpr int SAMPLE_THREADS = 512;
constexpr int SAMPLE_WARPS = SAMPLE_THREADS / 32;
/// The most alternatives of a row.
constexpr int MOST_ALTERNATIVES = 1024;
constexpr int DIGIT_BITS = 4;
constexpr int DIGITS = 1 << DIGIT_BITS;
/// In place of a token: a logit is not finite.
constexpr int NOT_A_NUMBER = -1;
/// In place of a token: the mask allows none.
constexpr int NOTHING_ALLOWED = -2;

/// Numbers of a row, float32 [R, ROW_NUMBERS] in this order.
enum RowNumber { TEMPERATURE, TOP_P, MIN_P, REPETITION, PRESENCE, FREQUENCY, ROW_NUMBERS };

/// What the threads of a block tell each other.
struct Exchange {
  double sums[SAMPLE_WARPS][DIGITS];
  u64 keys[SAMPLE_WARPS];
  u32 present[SAMPLE_WARPS];
  int counts[SAMPLE_WARPS];
  u64 best[MOST_ALTERNATIVES];
};

/// One value of every thread made into one that all have, warp by warp; `combine` is exact or called in a fixed order.
template <class T, class Combine>
INLINE T reduceBlock(T value, T (&warps)[SAMPLE_WARPS], Combine combine) {
  for (int mask = 16; mask > 0; mask /= 2) {
    value = combine(value, shuffleXor(value, mask));
  }
  if (threadIdx.x % 32 == 0) {
    warps[threadIdx.x / 32] = value;
  }
  syncThreads();
  T result = warps[0];
  for (int warp = 1; warp < SAMPLE_WARPS; warp++) {
    result = combine(result, warps[warp]);
  }
  syncThreads();
  return result;
}

struct Highest {
  __device__ __forceinline__ u64 operator()(u64 a, u64 b) const { return a < b ? b : a; }
};
struct Sum {
  template <class T>
  __device__ __forceinline__ T operator()(T a, T b) const {
    return a + b;
  }
};
struct Union {
  __device__ __forceinline__ u32 operator()(u32 a, u32 b) const { return a | b; }
};

/// Orders as the logits do, -0 and 0 alike, and on a tie the lower id above the higher; never 0.
INLINE u64 keyOf(float logit, int id) {
  u32 bits = bitsOf(logit + 0.0f);
  bits = (bits >> 31) != 0 ? ~bits : bits | 0x80000000u;
  return static_cast<u64>(bits) << 32 | ~static_cast<u32>(id);
}
INLINE int idOf(u64 key) { return static_cast<int>(~static_cast<u32>(key)); }
INLINE float logitOf(u64 key) {
  u32 bits = static_cast<u32>(key >> 32);
  return floatOf((bits >> 31) != 0 ? bits & 0x7fffffffu : ~bits);
}

/// The tokens of a row that are still in question: those that the mask allows, whose key is at least `floor` and whose
/// weight, relative to the best, is at least `minWeight`.
struct Candidates {
  const float* logits;
  const u32* mask;  // null where all are allowed
  int vocabulary;
  u64 floor;
  double highest;
  double temperature;
  double minWeight;

  __device__ __forceinline__ bool allows(int id) const {
    return mask == nullptr || (mask[id / 32] >> (id % 32) & 1u) != 0;
  }
  /// exp((logit - highest) / temperature)
  __device__ __forceinline__ double weight(u64 key) const {
    return expDouble((static_cast<double>(logitOf(key)) - highest) / temperature);
  }
};

/// Of the candidates in order of rank, the first at which the cumulated weight reaches `share` of the whole, or passes
/// it (`beyond`); the last where none does. COUNTS: every weight is 1 and `share` is a number of candidates. There is
/// at least one candidate; all threads get its key.
///
/// Each pass sums the candidates by their next digit and goes on with those of one digit value, until it is one alone.
template <bool COUNTS>
INLINE u64 crossing(const Candidates& candidates, double share, bool beyond, Exchange& exchange) {
  u64 prefix = 0;
  double above = 0;
  double target = share;
  for (int shift = 64 - DIGIT_BITS; shift >= 0; shift -= DIGIT_BITS) {
    double sums[DIGITS] = {};
    u32 present = 0;
    int matches = 0;
    u64 match = 0;
    for (int id = threadIdx.x; id < candidates.vocabulary; id += SAMPLE_THREADS) {
      u64 key = keyOf(candidates.logits[id], id);
      bool same = shift + DIGIT_BITS == 64 || key >> (shift + DIGIT_BITS) == prefix;
      if (!same || key < candidates.floor || !candidates.allows(id)) {
        continue;
      }
      double weight = COUNTS ? 1 : candidates.weight(key);
      if (!COUNTS && weight < candidates.minWeight) {
        continue;
      }
      int digit = static_cast<int>(key >> shift) & (DIGITS - 1);
#pragma unroll
      for (int i = 0; i < DIGITS; i++) {
        sums[i] += digit == i ? weight : 0;
      }
      present |= 1u << digit;
      matches++;
      match = key;
    }
    matches = reduceBlock(matches, exchange.counts, Sum());
    if (matches == 1) {
      return reduceBlock(match, exchange.keys, Highest());
    }
    present = reduceBlock(present, exchange.present, Union());
#pragma unroll
    for (int i = 0; i < DIGITS; i++) {
      for (int mask = 16; mask > 0; mask /= 2) {
        sums[i] += shuffleXor(sums[i], mask);
      }
      if (threadIdx.x % 32 == 0) {
        exchange.sums[threadIdx.x / 32][i] = sums[i];
      }
    }
    syncThreads();
    if (threadIdx.x < DIGITS) {
      double sum = 0;
      for (int warp = 0; warp < SAMPLE_WARPS; warp++) {
        sum += exchange.sums[warp][threadIdx.x];
      }
      exchange.sums[0][threadIdx.x] = sum;
    }
    syncThreads();
    if (!COUNTS && shift + DIGIT_BITS == 64) {
      double total = 0;
      for (int i = DIGITS - 1; i >= 0; i--) {
        total += exchange.sums[0][i];
      }
      target = share * total;
    }
    int chosen = -1;
    double before = above;
    for (int i = DIGITS - 1; i >= 0; i--) {
      if ((present >> i & 1u) != 0) {
        chosen = i;
        above = before;
        before += exchange.sums[0][i];
        if (beyond ? before > target : before >= target) {
          break;
        }
      }
    }
    prefix = prefix << DIGIT_BITS | static_cast<u32>(chosen);
    syncThreads();
  }
  return prefix;
}

/// The key of the best allowed token, 0 where there is none; `broken` counts logits that are not finite.
INLINE u64 bestKey(const Candidates& candidates, Exchange& exchange, int& broken) {
  u64 best = 0;
  broken = 0;
  for (int id = threadIdx.x; id < candidates.vocabulary; id += SAMPLE_THREADS) {
    float logit = candidates.logits[id];
    broken += (bitsOf(logit) & 0x7f800000u) == 0x7f800000u ? 1 : 0;
    best = candidates.allows(id) ? max(best, keyOf(logit, id)) : best;
  }
  broken = reduceBlock(broken, exchange.counts, Sum());
  return reduceBlock(best, exchange.keys, Highest());
}

/// log(sum(exp(logit)))
INLINE double logSumExp(const Candidates& row, double highest, Exchange& exchange) {
  double sum = 0;
  for (int id = threadIdx.x; id < row.vocabulary; id += SAMPLE_THREADS) {
    sum += expDouble(row.logits[id] - highest);
  }
  double (&warps)[SAMPLE_WARPS] = reinterpret_cast<double (&)[SAMPLE_WARPS]>(exchange.sums);
  return highest + logDouble(reduceBlock(sum, warps, Sum()));
}

/// The `wanted` best tokens, best first, with their log-probabilities.
INLINE void reportAlternatives(Candidates row, int wanted, double logNormalizer, int* ids, float* logprobs,
                               Exchange& exchange) {
  row.floor = crossing<true>(row, wanted, false, exchange);
  int own = 0;
  for (int id = threadIdx.x; id < row.vocabulary; id += SAMPLE_THREADS) {
    own += keyOf(row.logits[id], id) >= row.floor ? 1 : 0;
  }
  // Each thread's place among those of the block.
  int lane = threadIdx.x % 32;
  int through = own;
  for (int distance = 1; distance < 32; distance *= 2) {
    int before = shuffle(through, max(lane - distance, 0));
    through += lane >= distance ? before : 0;
  }
  if (lane == 31) {
    exchange.counts[threadIdx.x / 32] = through;
  }
  syncThreads();
  int place = through - own;
  for (int warp = 0; warp < static_cast<int>(threadIdx.x) / 32; warp++) {
    place += exchange.counts[warp];
  }
  for (int id = threadIdx.x; own > 0 && id < row.vocabulary; id += SAMPLE_THREADS) {
    u64 key = keyOf(row.logits[id], id);
    if (key >= row.floor) {
      exchange.best[place++] = key;
    }
  }
  syncThreads();
  for (int i = threadIdx.x; i < wanted; i += SAMPLE_THREADS) {
    u64 key = exchange.best[i];
    int rank = 0;
    for (int other = 0; other < wanted; other++) {
      rank += exchange.best[other] > key ? 1 : 0;
    }
    ids[rank] = idOf(key);
    logprobs[rank] = static_cast<float>(row.logits[idOf(key)] - logNormalizer);
  }
  syncThreads();
}

/// Changes the logits of tokens `first` up to `end` of the list, which are distinct, and keeps what they were.
INLINE void penalize(float* logits, const float* numbers, const i32* tokens, const i32* outputCounts, float* before,
                     int first, int end) {
  for (int i = first + static_cast<int>(threadIdx.x); i < end; i += SAMPLE_THREADS) {
    float value = logits[tokens[i]];
    before[i] = value;
    value = value > 0 ? value / numbers[REPETITION] : value * numbers[REPETITION];
    if (outputCounts[i] > 0) {
      value -= numbers[PRESENCE] + numbers[FREQUENCY] * static_cast<float>(outputCounts[i]);
    }
    logits[tokens[i]] = value;
  }
  syncThreads();
}

/// Chooses one of the candidates that top-k, top-p and min-p leave.
INLINE u64 draw(Candidates candidates, const float* numbers, int topK, double uniform, Exchange& exchange) {
  if (topK > 0 && topK < candidates.vocabulary) {
    candidates.floor = crossing<true>(candidates, topK, false, exchange);
  }
  if (numbers[TOP_P] < 1) {
    candidates.floor = crossing<false>(candidates, numbers[TOP_P], false, exchange);
  }
  candidates.minWeight = numbers[MIN_P];
  return crossing<false>(candidates, uniform, true, exchange);
}

/// What Kernels.sample asks of each of R rows. Log-probabilities are those of the model: before penalties, masks,
/// temperature and truncation.
///
/// Grid (R), 512 threads, no dynamic shared memory.
///   logits             float32 [R, stride], of which the first `vocabulary` of a row are used; penalties change them
///   numbers            float32 [R, 6]: temperature (0 takes the best), top-p (1 keeps all), min-p (0 to 1),
///                      penalties: repetition, presence, frequency
///   topK               i32 [R], 0 keeps all
///   uniforms           float64 [R], each in [0, 1)
///   penaltyStarts      i32 [R + 1]; row r is penalized by entries penaltyStarts[r] up to penaltyStarts[r + 1] of
///   penaltyTokens      i32, distinct within a row, and
///   penaltyCounts      i32, how often the token occurs in the output
///   penaltyLogits      float32, as many, workspace: what the logits were
///   maskOfRow          i32 [R], the index of a row's mask or -1; null where no row has one
///   masks              u32 [masks, (vocabulary + 31) / 32], bit i % 32 of word i / 32 allows token i
///   targetStarts       i32 [R + 1], targets i32: tokens whose log-probabilities are wanted; -1 is the sampled one
///   alternativeStarts  i32 [R + 1]; the difference, 0 to min(1,024, vocabulary), says how many of the best are wanted
/// Results:
///   ids                i32 [R]: the token; -1 where a logit is not finite, and then nothing else is written for the
///                      row; -2 where the mask allows nothing, and then the log-probability of "the sampled" is NaN
///   logprobs           float32, one for each target
///   alternativeIds     i32, best first, and alternativeLogprobs float32, from alternativeStarts[r] on
extern "C" __global__ void __launch_bounds__(SAMPLE_THREADS)
    sample(float* logits, int stride, int vocabulary, const float* numbers, const i32* topK, const double* uniforms,
           const i32* penaltyStarts, const i32* penaltyTokens, const i32* penaltyCounts, float* penaltyLogits,
           const i32* maskOfRow, const u32* masks, const i32* targetStarts, const i32* targets,
           const i32* alternativeStarts, i32* ids, float* logprobs, i32* alternativeIds, float* alternativeLogprobs) {
  __shared__ Exchange exchange;
  int r = blockIdx.x;
  float* own = logits + static_cast<i64>(r) * stride;
  Candidates row{own, nullptr, vocabulary, 0, 0, 1, 0};
  int broken;
  u64 best = bestKey(row, exchange, broken);
  if (broken != 0) {
    if (threadIdx.x == 0) {
      ids[r] = NOT_A_NUMBER;
    }
    return;
  }
  int firstTarget = targetStarts[r];
  int endTarget = targetStarts[r + 1];
  int alternatives = alternativeStarts[r + 1] - alternativeStarts[r];
  double logNormalizer =
      firstTarget < endTarget || alternatives > 0 ? logSumExp(row, logitOf(best), exchange) : 0;
  if (alternatives > 0) {
    reportAlternatives(row, alternatives, logNormalizer, alternativeIds + alternativeStarts[r],
                       alternativeLogprobs + alternativeStarts[r], exchange);
  }
  for (int i = firstTarget + static_cast<int>(threadIdx.x); i < endTarget; i += SAMPLE_THREADS) {
    if (targets[i] >= 0) {
      logprobs[i] = static_cast<float>(own[targets[i]] - logNormalizer);
    }
  }
  syncThreads();  // Nobody reads the model's logits any more.
  const float* rowNumbers = numbers + r * ROW_NUMBERS;
  int firstPenalty = penaltyStarts[r];
  int endPenalty = penaltyStarts[r + 1];
  int mask = maskOfRow == nullptr ? -1 : maskOfRow[r];
  row.mask = mask < 0 ? nullptr : masks + static_cast<i64>(mask) * ((vocabulary + 31) / 32);
  if (firstPenalty < endPenalty) {
    penalize(own, rowNumbers, penaltyTokens, penaltyCounts, penaltyLogits, firstPenalty, endPenalty);
  }
  if (firstPenalty < endPenalty || row.mask != nullptr) {
    best = bestKey(row, exchange, broken);
  }
  if (best != 0 && rowNumbers[TEMPERATURE] != 0) {
    row.highest = logitOf(best);
    row.temperature = rowNumbers[TEMPERATURE];
    best = draw(row, rowNumbers, topK[r], uniforms[r], exchange);
  }
  int id = best == 0 ? NOTHING_ALLOWED : idOf(best);
  if (threadIdx.x == 0) {
    ids[r] = id;
  }
  // The model's logit of the token, of which exactly one thread knows whether it was penalized.
  double changed = 0;
  int wasChanged = 0;
  for (int i = firstPenalty + static_cast<int>(threadIdx.x); i < endPenalty; i += SAMPLE_THREADS) {
    if (penaltyTokens[i] == id) {
      changed = penaltyLogits[i];
      wasChanged = 1;
    }
  }
  double (&warps)[SAMPLE_WARPS] = reinterpret_cast<double (&)[SAMPLE_WARPS]>(exchange.sums);
  wasChanged = reduceBlock(wasChanged, exchange.counts, Sum());
  changed = reduceBlock(changed, warps, Sum());
  double logit = id < 0 ? floatOf(0x7fffffffu) : wasChanged != 0 ? changed : own[id];
  for (int i = firstTarget + static_cast<int>(threadIdx.x); i < endTarget; i += SAMPLE_THREADS) {
    if (targets[i] < 0) {
      logprobs[i] = static_cast<float>(logit - logNormalizer);
    }
  }
}
EXPORT_KERNEL(sample)

#include "sample.cuh"

/// In place of a token: a logit is not finite, or no token is allowed.
constexpr int NOT_A_NUMBER = -1;

/// In place of a number of alternatives: no log-probability is wanted.
constexpr int NO_LOGPROBS = -1;

/// Columns of the request's words, one word for each row.
enum Column { TEMPERATURE, TOP_K, TOP_P, MIN_P, REPETITION, PRESENCE, FREQUENCY, ALTERNATIVES, COLUMNS };

/// Columns of the places where a row's lists begin, [rows + 1] words each.
enum List { PENALTIES, TARGETS, RESULTS, LISTS };

/// What is asked of all rows: float64 [rows], the random numbers; then words of 32 bits: the columns [COLUMNS, rows],
/// the starts [LISTS, rows + 1], the tokens of penalties, as many counts of them in the output, and the targets.
struct Request {
  const double* uniforms;
  int rows;

  __device__ __forceinline__ const u32* words() const { return reinterpret_cast<const u32*>(uniforms + rows); }
  __device__ __forceinline__ int integer(Column column) const { return words()[(i64)column * rows + blockIdx.x]; }
  __device__ __forceinline__ float real(Column column) const { return floatOf(static_cast<u32>(integer(column))); }
  __device__ __forceinline__ const int* starts(List list) const {
    return reinterpret_cast<const int*>(words() + (i64)COLUMNS * rows + (i64)list * (rows + 1));
  }
  /// How many targets the row has.
  __device__ __forceinline__ int targets() const {
    return starts(TARGETS)[blockIdx.x + 1] - starts(TARGETS)[blockIdx.x];
  }
  __device__ __forceinline__ const int* lists() const { return starts(LISTS); }
};

/// The best key of the row and the worst; best is 0 where a logit is not finite, and all ones where there is none.
struct Extremes {
  u64 best;
  u64 worst;
};

INLINE u64 blockSmallest(u64 key, SampleShared& shared) {
  return blockReduce(key, shared.keySlots, [](u64 a, u64 b) { return smaller(a, b); });
}
INLINE u64 blockLargest(u64 key, SampleShared& shared) {
  return blockReduce(key, shared.keySlots, [](u64 a, u64 b) { return larger(a, b); });
}

/// Those of the model's logits.
INLINE Extremes checked(const float* row, int tokens, SampleShared& shared) {
  Extremes own = {~0ull, 0};
  eachLogit(row, tokens, [&](float value, int token) {
    u64 key = keyOf(value, token);
    own.best = isFinite(value) ? smaller(own.best, key) : 0;
    own.worst = larger(own.worst, key);
  });
  return {blockSmallest(own.best, shared), blockLargest(own.worst, shared)};
}

/// Those of the tokens that are allowed; the logits of others become negative infinity, which no search sees.
INLINE Extremes constrained(float* row, int tokens, const u32* allowed, SampleShared& shared) {
  Extremes own = {~0ull, 0};
  eachLogit(row, tokens, [&](float value, int token) {
    if (allowed != nullptr && (allowed[token / 32] >> (token % 32) & 1u) == 0) {
      row[token] = -infinity();
      return;
    }
    u64 key = keyOf(value, token);
    own.best = smaller(own.best, key);
    own.worst = larger(own.worst, key);
  });
  return {blockSmallest(own.best, shared), blockLargest(own.worst, shared)};
}

/// log(sum(exp(logit))).
INLINE double logNormalizer(const float* row, int tokens, const Extremes& extremes, SampleShared& shared) {
  Weights weights = {valueOf(codeOfKey(extremes.best)), 1};
  double sum = 0;
  eachLogit(row, tokens, [&](float value, int) { sum += weightOf(codeOf(value), weights); });
  sum = blockReduce(sum, shared.massSlots, [](double a, double b) { return a + b; });
  return weights.best + logDouble(sum);
}

/// Writes the `count` most probable tokens, best first, and their log-probabilities behind them.
INLINE void writeAlternatives(const float* row, int tokens, int count, const Extremes& extremes, double normalizer,
                              u32* output, SampleShared& shared) {
  Weights weights = {valueOf(codeOfKey(extremes.best)), 1};
  u64 base = extremes.best;
  for (int done = 0; done < count;) {
    int size = min(WINDOW, count - done);
    if (count == 1) {
      syncThreads();
      if (threadIdx.x == 0) {
        shared.ranked.keys[0] = base;
      }
      syncThreads();
    } else {
      search(row, tokens, {base, extremes.worst + 1, static_cast<double>(size), false, false}, weights, shared);
    }
    if (static_cast<int>(threadIdx.x) < size) {
      u64 key = shared.ranked.keys[threadIdx.x];
      output[done + threadIdx.x] = tokenOfKey(key);
      output[count + done + threadIdx.x] = bitsOf(static_cast<float>(valueOf(codeOfKey(key)) - normalizer));
    }
    base = shared.ranked.keys[size - 1] + 1;
    done += size;
  }
}

/// Writes the log-probabilities of the row's targets, and the alternatives.
INLINE void writeLogprobs(const float* row, int tokens, const Request& request, const Extremes& extremes, u32* output,
                          SampleShared& shared) {
  u32* result = output + request.starts(RESULTS)[blockIdx.x] + 1;
  double normalizer = logNormalizer(row, tokens, extremes, shared);
  if (threadIdx.x == 0) {
    shared.normalizer = normalizer;
  }
  const int* ids = request.lists() + 2 * request.starts(PENALTIES)[request.rows] + request.starts(TARGETS)[blockIdx.x];
#pragma unroll 1
  for (int i = threadIdx.x; i < request.targets(); i += SAMPLE_THREADS) {
    result[i] = bitsOf(static_cast<float>(row[ids[i]] - normalizer));
  }
  result += max(1, request.targets());
  writeAlternatives(row, tokens, request.integer(ALTERNATIVES), extremes, normalizer, result, shared);
}

/// Writes the log-probability that the model gave the sampled token.
INLINE void writeSampledLogprob(const float* row, int id, const Request& request, const float* originals, u32* output,
                                SampleShared& shared) {
  if (threadIdx.x == 0) {
    shared.modelLogit = row[id];
  }
  syncThreads();
  const int* penalties = request.starts(PENALTIES) + blockIdx.x;
#pragma unroll 1
  for (int i = penalties[0] + threadIdx.x; i < penalties[1]; i += SAMPLE_THREADS) {
    if (request.lists()[i] == id) {
      shared.modelLogit = originals[i];
    }
  }
  syncThreads();
  if (threadIdx.x == 0) {
    output[request.starts(RESULTS)[blockIdx.x] + 1] = bitsOf(static_cast<float>(shared.modelLogit - shared.normalizer));
  }
}

/// Lowers and raises the logits of tokens that occurred, and keeps what they were.
INLINE void penalize(float* row, const Request& request, float* originals) {
  int first = request.starts(PENALTIES)[blockIdx.x];
  int all = request.starts(PENALTIES)[request.rows];
  int end = request.starts(PENALTIES)[blockIdx.x + 1];
  const int* tokens = request.lists();
  float repetition = request.real(REPETITION);
  float presence = request.real(PRESENCE);
  float frequency = request.real(FREQUENCY);
#pragma unroll 1
  for (int i = first + threadIdx.x; i < end; i += SAMPLE_THREADS) {
    int count = tokens[all + i];
    float value = row[tokens[i]];
    originals[i] = value;
    value = value > 0 ? value / repetition : value * repetition;
    if (count > 0) {
      value -= presence + frequency * static_cast<float>(count);
    }
    // Finite as every logit is: infinities stand for tokens that are not allowed.
    float largest = floatOf(0x7f7fffffu);
    row[tokens[i]] = max(-largest, min(largest, value));
  }
}

/// The end of the keys whose weight is at least `least`; the best key is always in front of it.
INLINE u64 endOfLikely(double least, const Extremes& extremes, const Weights& weights) {
  u32 likely = codeOfKey(extremes.best);
  u32 unlikely = codeOfKey(extremes.worst) + 1;
  if (weightOf(likely, weights) < least) {
    return extremes.best + 1;
  }
  while (unlikely - likely > 1) {
    u32 middle = likely + (unlikely - likely) / 2;
    bool isLikely = weightOf(middle, weights) >= least;
    likely = isLikely ? middle : likely;
    unlikely = isLikely ? unlikely : middle;
  }
  return static_cast<u64>(unlikely) << 32;
}

/// The place in the window of the key that the search was for. Called by one thread.
INLINE int placeOf(const Window& window, double wanted, bool isBeyond, const SampleShared& shared) {
  double sum = window.massBefore;
  int place = 0;
#pragma unroll 1
  for (int i = 0; i < window.size; i++) {
    double weight = shared.ranked.weights[i];
    sum += weight;
    place = weight > 0 ? i : place;
    if (isBeyond ? sum > wanted : sum >= wanted) {
      return i;
    }
  }
  return place;
}

/// Draws among the first `kept` keys of the window as they are ranked. TOP_P is a share of `total`, where that is not
/// negative, else of the mass of those keys. Called by one thread.
INLINE int placeAmong(int kept, double total, const Request& request, const SampleShared& shared) {
  const double* weights = shared.ranked.weights;
  if (total < 0) {
    total = 0;
#pragma unroll 1
    for (int i = 0; i < kept; i++) {
      total += weights[i];
    }
  }
  double topMass = request.real(TOP_P) * total;
  double least = request.real(MIN_P);
  int candidates = 0;
  double mass = 0;
#pragma unroll 1
  while (candidates < kept && (candidates == 0 || (mass < topMass && weights[candidates] >= least))) {
    mass += weights[candidates++];
  }
  double threshold = request.uniforms[blockIdx.x] * mass;
  double sum = 0;
#pragma unroll 1
  for (int i = 0; i < candidates; i++) {
    sum += weights[i];
    if (sum > threshold) {
      return i;
    }
  }
  return candidates - 1;
}

/// Draws one of the candidates that the truncations leave. Where these are few they are ranked at once; else one search
/// finds the end of each truncation, and a last one the choice.
INLINE int draw(const float* row, int tokens, const Request& request, const Extremes& extremes, SampleShared& shared) {
  Weights weights = {valueOf(codeOfKey(extremes.best)), 1 / static_cast<double>(request.real(TEMPERATURE))};
  u64 end = extremes.worst + 1;
  int kept = request.integer(TOP_K);
  Column stage = kept > 0 && kept < tokens ? TOP_K : request.real(TOP_P) < 1 ? TOP_P : COLUMNS;
  for (;;) {
    bool isChoice = stage == COLUMNS;
    if (isChoice && request.real(MIN_P) > 0) {
      end = smaller(end, endOfLikely(request.real(MIN_P), extremes, weights));
    }
    double share = isChoice ? request.uniforms[blockIdx.x] : request.real(TOP_P);
    double goal = stage == TOP_K ? request.integer(TOP_K) : share;
    Window window = search(row, tokens, {extremes.best, end, goal, stage != TOP_K, isChoice}, weights, shared);
    if (threadIdx.x == 0) {
      int topK = request.integer(TOP_K);
      if (stage == TOP_K && !window.isWhole) {
        shared.chosen = min(topK - static_cast<int>(window.before), window.size) - 1;
      } else if (isChoice || !window.isWhole) {
        shared.chosen = placeOf(window, goal * window.total, isChoice, shared);
      } else if (stage == TOP_K) {
        shared.chosen = placeAmong(min(topK, window.size), -1, request, shared);
      } else {
        shared.chosen = placeAmong(window.size, window.total, request, shared);
      }
    }
    syncThreads();
    u64 chosen = shared.ranked.keys[shared.chosen];
    if (isChoice || window.isWhole) {
      return tokenOfKey(chosen);
    }
    end = chosen + 1;
    stage = stage == TOP_K && request.real(TOP_P) < 1 ? TOP_P : COLUMNS;
  }
}

/// Samples one token from each row of logits, and writes the log-probabilities that are asked for, which are those of
/// the logits as they come, before penalties, temperature and truncation.
///
/// Ranked by logit, the lower id first on a tie, candidates are cut to `TOP_K` (0 for all), to the shortest prefix
/// whose share of the probability reaches `TOP_P`, and to those with at least `MIN_P` times the best probability. The
/// choice is the first at which the cumulated probability exceeds the random number; at temperature 0 it is the best.
///
/// Grid: rows; 512 threads.
///
/// @param logits float32 [rows, tokens], at most 2^25 tokens; destroyed
/// @param request the float64 [rows] in front of a Request
/// @param allowed bit t % 32 of word t / 32 of a row for token t, [rows, ceil(tokens / 32)]; null for all
/// @param originals float32, one for each token with a penalty
/// @param output each row's words from its start in RESULTS: the id, -1 where a logit is not finite or no token is
///     allowed, when nothing behind it has a meaning; the log-probabilities of the row's targets, or of the sampled
///     token where there are none; the ids of its ALTERNATIVES; their log-probabilities. The id alone where
///     ALTERNATIVES is -1
extern "C" __global__ void __launch_bounds__(SAMPLE_THREADS, 2)
    sample(float* logits, int tokens, const double* request, int rows, const u32* allowed, float* originals,
           u32* output) {
  __shared__ SampleShared shared;
  Request asked = {request, rows};
  float* row = logits + (i64)blockIdx.x * tokens;
  Extremes extremes = checked(row, tokens, shared);
  bool isBroken = extremes.best == 0;
  if (!isBroken && asked.integer(ALTERNATIVES) != NO_LOGPROBS) {
    writeLogprobs(row, tokens, asked, extremes, output, shared);
  }
  const int* penalties = asked.starts(PENALTIES) + blockIdx.x;
  if (!isBroken && (penalties[1] > penalties[0] || allowed != nullptr)) {
    syncThreads();
    penalize(row, asked, originals);
    syncThreads();
    const u32* mask = allowed == nullptr ? nullptr : allowed + (i64)blockIdx.x * ((tokens + 31) / 32);
    extremes = constrained(row, tokens, mask, shared);
    isBroken = extremes.best == ~0ull;
  }
  int id = NOT_A_NUMBER;
  if (!isBroken) {
    bool isGreedy = asked.real(TEMPERATURE) == 0;
    id = isGreedy ? tokenOfKey(extremes.best) : draw(row, tokens, asked, extremes, shared);
  }
  if (!isBroken && asked.integer(ALTERNATIVES) != NO_LOGPROBS && asked.targets() == 0) {
    writeSampledLogprob(row, id, asked, originals, output, shared);
  }
  if (threadIdx.x == 0) {
    output[asked.starts(RESULTS)[blockIdx.x]] = id;
  }
}
EXPORT_KERNEL(sample)

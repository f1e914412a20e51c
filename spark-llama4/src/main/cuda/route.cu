#include "intrinsics.cuh"

/// Choices that a block looks at together.
constexpr int ROUTE_TILE = 1024;

/// Threads of the block that orders choices: one per expert, so that at most so many can be held.
constexpr int ROUTE_THREADS = 512;

/// Chooses the experts with the highest logits, the lower index first on a tie, and scores each with its sigmoid.
///
/// Grid: tokens; 32 threads.
///
/// @param logits float32 [tokens, experts]
/// @param expertOf [tokens, chosen], best first
/// @param scoreOf float32 [tokens, chosen]
extern "C" __global__ void __launch_bounds__(32)
    route_choose(const float* logits, int experts, int chosen, int* expertOf, float* scoreOf) {
  const float* row = logits + (i64)blockIdx.x * experts;
  int lane = threadIdx.x;
  float lastLogit = 0;
  int last = -1;
  for (int rank = 0; rank < chosen; rank++) {
    float best = 0;
    int index = experts;
    for (int e = lane; e < experts; e += 32) {
      float logit = row[e];
      // Behind the last choice in the order of (logit descending, index ascending).
      bool isLeft = last < 0 || logit < lastLogit || (logit == lastLogit && e > last);
      if (isLeft && (index == experts || logit > best)) {
        best = logit;
        index = e;
      }
    }
    for (int mask = 16; mask > 0; mask /= 2) {
      float otherBest = shuffleXor(best, mask);
      int other = shuffleXor(index, mask);
      bool isBetter = other < experts && (index == experts || otherBest > best || (otherBest == best && other < index));
      best = isBetter ? otherBest : best;
      index = isBetter ? other : index;
    }
    lastLogit = best;
    last = index;
    if (lane == 0) {
      // Logits that are not numbers have no order; the row's answer is refused when it is sampled.
      expertOf[blockIdx.x * chosen + rank] = index == experts ? rank : index;
      scoreOf[blockIdx.x * chosen + rank] = 1.0f / (1.0f + expFloat(-best));
    }
  }
}
EXPORT_KERNEL(route_choose)

/// Orders choices by expert and within an expert by token: a stable counting sort in one block. Group 0 is the shared
/// expert's, with the row of every token, where there is one to be computed beside them; the experts held follow.
///
/// Grid: 1; 512 threads; at most 512 experts.
///
/// @param expertOf [tokens, chosen]
/// @param scoreOf float32 [tokens, chosen]
/// @param active where the number of tokens that count stands; those behind have no rows. Null for all tokens
/// @param firstExpert the first expert that is held
/// @param held how many are
/// @param shared 1 where group 0 is the shared expert, else 0
/// @param offsets [shared + held + 1], the first row of each group, and the end of the last
/// @param tiles16 [shared + held + 1], tiles of 16 rows in front of each group
/// @param tiles64 likewise of 64
/// @param tokenOf the token of each row
/// @param scoreOfRow its score, 1 for the shared expert
/// @param rowOf [tokens, chosen], the row of each choice; -1 where the expert is not held
extern "C" __global__ void __launch_bounds__(ROUTE_THREADS)
    route_order(const int* expertOf, const float* scoreOf, int tokens, const int* active, int chosen, int firstExpert, int held,
                int shared, int* offsets, int* tiles16, int* tiles64, int* tokenOf, float* scoreOfRow, int* rowOf) {
  __shared__ int tile[ROUTE_TILE];
  __shared__ int starts[ROUTE_THREADS + 1];
  int known = active == nullptr ? tokens : min(tokens, *active);
  int choices = known * chosen;
  int expert = firstExpert + (int)threadIdx.x;
  bool isMine = (int)threadIdx.x < held;
  int count = 0;
  for (int from = 0; from < choices; from += ROUTE_TILE) {
    int size = min(ROUTE_TILE, choices - from);
    syncThreads();
    for (int i = threadIdx.x; i < size; i += ROUTE_THREADS) {
      tile[i] = expertOf[from + i];
    }
    syncThreads();
    for (int i = 0; isMine && i < size; i++) {
      count += tile[i] == expert;
    }
  }
  starts[threadIdx.x + 1] = isMine ? count : 0;
  syncThreads();
  if (threadIdx.x == 0) {
    int groups = shared + held;
    int row = shared * known;
    int tile16 = shared * ((known + 15) / 16);
    int tile64 = shared * ((known + 63) / 64);
    offsets[0] = 0;
    tiles16[0] = 0;
    tiles64[0] = 0;
    for (int e = 0; e < held; e++) {
      int rows = starts[e + 1];
      offsets[shared + e] = row;
      tiles16[shared + e] = tile16;
      tiles64[shared + e] = tile64;
      starts[e] = row;
      row += rows;
      tile16 += (rows + 15) / 16;
      tile64 += (rows + 63) / 64;
    }
    offsets[groups] = row;
    tiles16[groups] = tile16;
    tiles64[groups] = tile64;
  }
  syncThreads();
  int next = isMine ? starts[threadIdx.x] : 0;
  for (int from = 0; from < choices; from += ROUTE_TILE) {
    int size = min(ROUTE_TILE, choices - from);
    syncThreads();
    for (int i = threadIdx.x; i < size; i += ROUTE_THREADS) {
      int of = expertOf[from + i];
      tile[i] = of;
      if (of < firstExpert || of >= firstExpert + held) {
        rowOf[from + i] = -1;
      }
    }
    syncThreads();
    for (int i = 0; isMine && i < size; i++) {
      if (tile[i] == expert) {
        rowOf[from + i] = next;
        tokenOf[next] = (from + i) / chosen;
        scoreOfRow[next] = scoreOf[from + i];
        next++;
      }
    }
  }
  for (int i = choices + threadIdx.x; i < tokens * chosen; i += ROUTE_THREADS) {
    rowOf[i] = -1;
  }
  for (int t = threadIdx.x; t < shared * known; t += ROUTE_THREADS) {
    tokenOf[t] = t;
    scoreOfRow[t] = 1;
  }
}
EXPORT_KERNEL(route_order)

/// Token rows by group, each times its score.
///
/// Grid: most rows; 256 threads.
///
/// @param input float32 [tokens, width]
/// @param offsets the end of the rows stands in offsets[groups]
/// @param output float32 [rows, width]
extern "C" __global__ void __launch_bounds__(256)
    gather_rows(const float* input, const int* offsets, int groups, const int* tokenOf, const float* scoreOfRow,
                int width, float* output) {
  i64 row = blockIdx.x;
  if (row >= offsets[groups]) {
    return;
  }
  const float* from = input + (i64)tokenOf[row] * width;
  float score = scoreOfRow[row];
  for (int i = threadIdx.x; i < width; i += blockDim.x) {
    output[row * width + i] = from[i] * score;
  }
}
EXPORT_KERNEL(gather_rows)

/// Rows back in token order, those of one token added in the order of its choices.
///
/// Grid: tokens; 256 threads.
///
/// @param input float32 [rows, width]
/// @param rowOf [tokens, chosen], -1 for a choice that is not here
/// @param output float32 [tokens, width]
extern "C" __global__ void __launch_bounds__(256)
    scatter_add(const float* input, const int* rowOf, int chosen, int width, float* output) {
  for (int i = threadIdx.x; i < width; i += blockDim.x) {
    float sum = 0;
    for (int rank = 0; rank < chosen; rank++) {
      i64 row = rowOf[blockIdx.x * chosen + rank];
      if (row >= 0) {
        sum += input[row * width + i];
      }
    }
    output[(i64)blockIdx.x * width + i] = sum;
  }
}
EXPORT_KERNEL(scatter_add)

/// What the kernels of attention share: which rows a tile has, and keys and values on their way from the paged cache
/// into tensor cores. What is done with them there: attention-rows.cuh.
///
/// A *granule* is 32 positions and a *split* 256, both counted from position 0 of a sequence, never from a tile or a
/// chunk. Within a split a row's state goes from granule to granule, across splits from split to split in ascending
/// order, by the same operations whichever kernel does it; what a row does not see changes none of its bits. So a row
/// of the output depends on its query, its position and the keys and values that it sees, and on nothing else. This
/// needs products and sums that the compiler leaves apart (--fmad=false), and caches whose values are finite.
#pragma once

#include "intrinsics.cuh"

constexpr int ATTEND_THREADS = 128;
constexpr int ATTEND_WARPS = ATTEND_THREADS / 32;
constexpr int GRANULE = 32;
constexpr int SPLIT = 256;
constexpr int GRANULES_PER_SPLIT = SPLIT / GRANULE;
constexpr int DECODE_ROWS = 16;
constexpr int PREFILL_ROWS = 64;

/// One element of an e4m3 cache, as a type of its own.
struct e4m3 {
  u8 bits;
};

/// What all kernels of attention are told. T tokens, S sequences, Q and K heads, D elements of a head.
struct AttentionStep {
  const i32* positions;    // [T], negative for padding
  const i32* queryStarts;  // [S + 1]
  const i32* tableStarts;  // [S + 1]
  const i32* firstBlocks;  // [S]
  const i32* blocks;
  int sequences;
  int heads;
  int kvHeads;
  int headDim;
  int blockTokens;
  int chunk;       // 0 for none
  int decodeRows;  // sequences with at most so many rows are decode's

  __device__ __forceinline__ int group() const { return heads / kvHeads; }
  __device__ __forceinline__ int firstVisible(int position) const {
    return chunk > 0 ? position - position % chunk : 0;
  }
  /// Rows of a sequence for one key head: its tokens, each with the query heads of the group.
  __device__ __forceinline__ int rows(int sequence) const {
    return (queryStarts[sequence + 1] - queryStarts[sequence]) * group();
  }
};

/// Rows `first` and up of a sequence: row r is query head r % G, of the group, of token r / G.
struct QueryTile {
  int sequence;
  int first;
  int end;  // behind the sequence's last row

  __device__ __forceinline__ int token(const AttentionStep& step, int row) const {
    return step.queryStarts[sequence] + (first + row) / step.group();
  }
  /// The row's position, or -1 for rows behind the sequence's end and for padding.
  __device__ __forceinline__ int position(const AttentionStep& step, int row) const {
    return first + row < end ? max(step.positions[token(step, row)], -1) : -1;
  }
  __device__ __forceinline__ int head(const AttentionStep& step, int kvHead, int row) const {
    return kvHead * step.group() + (first + row) % step.group();
  }
};

/// Positions from `low` up to `high`, both included; none where `high` is -1.
struct PositionRange {
  int low;
  int high;

  __device__ __forceinline__ int firstSplit() const { return low / SPLIT; }
  __device__ __forceinline__ int lastSplit() const { return high / SPLIT; }
};

/// What the rows of a tile see together. All lanes of a warp take part and get the same.
template <int ROWS>
INLINE PositionRange visibleRange(const AttentionStep& step, const QueryTile& tile) {
  PositionRange range{0x7fffffff, -1};
  for (int row = static_cast<int>(threadIdx.x) % 32; row < ROWS; row += 32) {
    int position = tile.position(step, row);
    if (position >= 0) {
      range.low = min(range.low, step.firstVisible(position));
      range.high = max(range.high, position);
    }
  }
  for (int mask = 16; mask > 0; mask /= 2) {
    range.low = min(range.low, shuffleXor(range.low, mask));
    range.high = max(range.high, shuffleXor(range.high, mask));
  }
  return range;
}

/// How a granule of a cache of T lies in shared memory: bf16 rows of DIM + 8 elements, so that eight rows under each
/// other lie in different banks. Rows of an e4m3 cache arrive as they are, in `RAW_ROW` bytes, and are widened into
/// such rows.
template <class T, int DIM>
struct GranuleLayout {
  static constexpr bool WIDENS = sizeof(T) == 1;
  static constexpr int STRIDE = DIM + 8;
  static constexpr int CHUNKS = DIM * static_cast<int>(sizeof(T)) / 16;
  static constexpr int RAW_ROW = CHUNKS * 16 + 16;
  static constexpr int STAGE_BYTES = 2 * GRANULE * RAW_ROW;
  static constexpr int WIDE_BYTES = WIDENS ? 2 * GRANULE * STRIDE * 2 : 0;
  static constexpr int SLOT_BYTES = 2 * GRANULE * 4;
  /// 256 (DIM + 8) + 256 for bf16, 256 (DIM + 12) + 256 for e4m3.
  static constexpr int BYTES = 2 * STAGE_BYTES + WIDE_BYTES + SLOT_BYTES;
};

/// Two e4m3 values, in the low bytes of both halves, as a pair of bf16. The fields moved into those of bf16 give a
/// value that is 2^-120 too small, subnormals among them; all ones become NaN.
INLINE u32 widenPair(u32 spread) {
  u32 small = (spread & 0x007f007fu) << 4 | (spread & 0x00800080u) << 8;
  u32 notNumbers = ((spread & 0x007f007fu) + 0x00010001u) >> 7 & 0x00010001u;
  return fmaBf16x2(small, 0x7b807b80u, 0x80008000u) | notNumbers * 0x7fc0u;
}

/// Two neighbouring e4m3 values, the lower half of `bytes`.
INLINE u32 widenLow(u32 bytes) { return widenPair((bytes & 0xffu) | (bytes & 0xff00u) << 8); }

/// Granules of one sequence and key head, copied into shared memory while the one before is being used: two stages.
/// Positions outside of the range are zeros. All threads of the block call each method alike.
template <class T, int DIM>
struct GranuleStream {
  typedef GranuleLayout<T, DIM> Layout;

  u8* memory;  // shared, Layout::BYTES
  const T* keys;
  const T* values;
  const i32* table;  // of the sequence, so that table[p / blockTokens] is the block of position p
  PositionRange range;
  int blockTokens;
  int kvHeads;
  int kvHead;
  int headDim;
  int firstGranule;
  int count;
  int upcoming;  // the slot that this thread has looked up

  __device__ __forceinline__ GranuleStream(u8* shared, const T* keyCache, const T* valueCache,
                                           const AttentionStep& step, int sequence, int head, PositionRange visible)
      : memory(shared), keys(keyCache), values(valueCache),
        table(step.blocks + step.tableStarts[sequence] - step.firstBlocks[sequence]), range(visible),
        blockTokens(step.blockTokens), kvHeads(step.kvHeads), kvHead(head), headDim(step.headDim), firstGranule(0),
        count(0), upcoming(-1) {}

  __device__ __forceinline__ i32* slots(int stage) const {
    return reinterpret_cast<i32*>(memory + 2 * Layout::STAGE_BYTES + Layout::WIDE_BYTES) + stage * GRANULE;
  }
  __device__ __forceinline__ u8* stage(int i) const { return memory + i * Layout::STAGE_BYTES; }
  /// Keys of granule i, bf16 [GRANULE, STRIDE]; the values follow them.
  __device__ __forceinline__ const bf16* keyTile(int i) const {
    return reinterpret_cast<const bf16*>(Layout::WIDENS ? memory + 2 * Layout::STAGE_BYTES : stage(i & 1));
  }
  __device__ __forceinline__ const bf16* valueTile(int i) const { return keyTile(i) + GRANULE * Layout::STRIDE; }

  /// The cache slot of this lane's position of granule i, or -1.
  __device__ __forceinline__ int slotOf(int i) const {
    int position = (firstGranule + i) * GRANULE + static_cast<int>(threadIdx.x) % 32;
    bool wanted = i < count && position >= range.low && position <= range.high;
    return wanted ? table[position / blockTokens] * blockTokens + position % blockTokens : -1;
  }

  __device__ __forceinline__ i64 rowOffset(int slot) const {
    return (static_cast<i64>(slot) * kvHeads + kvHead) * headDim * sizeof(T);
  }

  /// Rows of an e4m3 cache may begin in the middle of 16 bytes: what is copied begins with these.
  __device__ __forceinline__ void copy(int i) const {
    u8* shared = stage(i & 1);
    for (int chunk = threadIdx.x; chunk < GRANULE * Layout::CHUNKS; chunk += ATTEND_THREADS) {
      int row = chunk / Layout::CHUNKS;
      int part = chunk % Layout::CHUNKS * 16;
      int slot = slots(i & 1)[row];
      i64 offset = rowOffset(max(slot, 0));
      bool valid = slot >= 0 && part < static_cast<int>(offset & 15) + headDim * static_cast<int>(sizeof(T));
      offset = valid ? (offset & ~static_cast<i64>(15)) + part : 0;
      u8* target = shared + row * Layout::RAW_ROW + part;
      cpAsync16(target, reinterpret_cast<const u8*>(keys) + offset, valid);
      cpAsync16(target + GRANULE * Layout::RAW_ROW, reinterpret_cast<const u8*>(values) + offset, valid);
    }
  }

  __device__ __forceinline__ void widen(int i) const {
    constexpr int PARTS = DIM / 8;
    u8* wide = memory + 2 * Layout::STAGE_BYTES;
    for (int unit = threadIdx.x; unit < 2 * GRANULE * PARTS; unit += ATTEND_THREADS) {
      int row = unit / PARTS;  // keys, then values
      int part = unit % PARTS;
      int slot = slots(i & 1)[row % GRANULE];
      uint4 eight = make_uint4(0, 0, 0, 0);
      if (slot >= 0 && part * 8 < headDim) {
        const u8* raw = stage(i & 1) + row * Layout::RAW_ROW + static_cast<int>(rowOffset(slot) & 15) + part * 8;
        u32 low = reinterpret_cast<const u32*>(raw)[0];
        u32 high = reinterpret_cast<const u32*>(raw)[1];
        eight = make_uint4(widenLow(low), widenLow(low >> 16), widenLow(high), widenLow(high >> 16));
      }
      storeShared16(wide + (row * Layout::STRIDE + part * 8) * 2, eight);
    }
  }

  /// Starts with granules `first` up to `last`, both included.
  __device__ __forceinline__ void begin(int first, int last) {
    firstGranule = first;
    count = last - first + 1;
    if (threadIdx.x < 32) {
      slots(0)[threadIdx.x] = slotOf(0);
      slots(1)[threadIdx.x] = slotOf(1);
    }
    syncThreads();
    copy(0);
    cpAsyncCommit();
  }

  /// Makes granule i readable and starts the copy of the next.
  __device__ __forceinline__ void await(int i) {
    if (i + 1 < count) {
      copy(i + 1);
    }
    cpAsyncCommit();
    // Looked up long before it is stored: nobody waits for it.
    upcoming = threadIdx.x < 32 ? slotOf(i + 2) : -1;
    cpAsyncWait<1>();
    syncThreads();
    if (Layout::WIDENS) {
      widen(i);
      syncThreads();
    }
  }

  /// Nobody reads granule i any more.
  __device__ __forceinline__ void release(int i) {
    if (threadIdx.x < 32) {
      slots(i & 1)[threadIdx.x] = upcoming;
    }
    syncThreads();
  }
};

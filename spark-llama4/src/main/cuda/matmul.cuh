#pragma once
#include "weights.cuh"

/// Products of rows of bf16 with weights in fragments, summed in float32. A row is one term of bf16, or two whose sum is
/// exact to 2^-16: then each weight meets both, one after the other.
///
/// The sum of one output is taken over its inputs in ascending order, in steps of 16 (units of 32 with a scale per group,
/// whose products are scaled before they are added), within splits of the inputs that the weights' shape decides; the
/// splits' sums are added in order. Neither the height of a tile nor who computes which split changes a bit.

/// What a kernel multiplies. Dense: `offsets` is null, and `values`, `scales` are those of the matrix, `upValues`,
/// `upScales` of a second one beside it. Grouped: rows offsets[g] to offsets[g + 1] - 1 meet group g, whose addresses
/// stand in `table` [groups][2][2]: (values, scales) of the matrix and of the one beside it.
struct MatmulInput {
  /// [terms, ., stride], zeros behind the inputs.
  const bf16* rows;
  /// Elements from row to row, a multiple of 8.
  i64 stride;
  /// Elements from the first terms to the second, 0 where rows have one.
  i64 termStride;
  /// The row of the input that stands in each row, null for the row itself.
  const int* rowOf;
  const int* offsets;
  /// [groups + 1], tiles of rows in front of each group.
  const int* tileStarts;
  int groups;
  const u64* table;
  const u8* values;
  const void* scales;
  const u8* upValues;
  const void* upScales;
  /// Inputs that share a scale, a multiple of 32; of 4-bit weights alone.
  int group;
  /// Whether the scales of groups are float32, not bf16.
  int wideScales;
  /// Rows of a dense product.
  int count;
  int outputs;
  /// Inputs, a multiple of the format's unit; those of float32 weights count twice.
  int inputs;
  /// Inputs of a row, as many or half of them.
  int rowInputs;
};

/// The shape of a block's work: WARPS_M x WARPS_N warps of M_TILES x 16 rows and STRIPS strips each, STAGE_INPUTS inputs
/// to a stage. GATED: strips of a matrix (the gate) and of the one beside it (the up-projection) in turn.
template <class FORMAT, int WARPS_M_, int WARPS_N_, int M_TILES_, int STRIPS_, int STAGE_INPUTS_, int STAGES_, bool GATED_>
struct MatmulTile {
  using Format = FORMAT;
  static constexpr int WARPS_M = WARPS_M_;
  static constexpr int WARPS_N = WARPS_N_;
  static constexpr int M_TILES = M_TILES_;
  static constexpr int STRIPS = STRIPS_;
  static constexpr int STAGE_INPUTS = STAGE_INPUTS_;
  static constexpr int STAGES = STAGES_;
  static constexpr bool GATED = GATED_;

  static constexpr int ROWS = WARPS_M * M_TILES * 16;
  static constexpr int THREADS = 32 * WARPS_M * WARPS_N;
  static constexpr int ALL_STRIPS = WARPS_N * STRIPS;
  /// Strips of outputs that a block makes.
  static constexpr int OUTPUT_STRIPS = GATED ? ALL_STRIPS / 2 : ALL_STRIPS;
  /// Eight elements between rows keep the eight rows that one ldmatrix reads on different banks.
  static constexpr int ROW_STRIDE = STAGE_INPUTS + 8;
  static constexpr int ROW_BYTES = ROWS * ROW_STRIDE * 2;
  static constexpr int BLOCKS = STAGE_INPUTS / Format::BLOCK_INPUTS;
  static constexpr int STRIP_BYTES = BLOCKS * BLOCK_BYTES;
  /// Scales of a strip in a stage: the smallest group has 32 inputs, a scale at most 4 bytes.
  static constexpr int SCALE_BYTES = Format::HAS_GROUP_SCALES ? STAGE_INPUTS / 32 * STRIP * 4 : 0;
  static constexpr int WEIGHT_BYTES = ALL_STRIPS * (STRIP_BYTES + SCALE_BYTES);
  static constexpr int sharedBytes(int terms) { return STAGES * (terms * ROW_BYTES + WEIGHT_BYTES); }
};

/// Where a block's rows lie, and what they meet.
struct MatmulPlace {
  int firstRow;
  int endRow;
  const u8* values;
  const void* scales;
  const u8* upValues;
  const void* upScales;
};

/// Finds a block's group and rows; false where there are none for it.
template <class TILE>
__device__ bool findPlace(const MatmulInput& in, int tile, MatmulPlace& place) {
  if (in.offsets == nullptr) {
    place = MatmulPlace{tile * TILE::ROWS, in.count, in.values, in.scales, in.upValues, in.upScales};
    return true;
  }
  if (tile >= in.tileStarts[in.groups]) {
    return false;
  }
  int low = 0;
  int high = in.groups - 1;
  while (low < high) {
    int middle = (low + high + 1) / 2;
    if (in.tileStarts[middle] <= tile) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  const u64* entry = in.table + 4 * low;
  place.firstRow = in.offsets[low] + (tile - in.tileStarts[low]) * TILE::ROWS;
  place.endRow = in.offsets[low + 1];
  place.values = reinterpret_cast<const u8*>(entry[0]);
  place.scales = reinterpret_cast<const void*>(entry[1]);
  place.upValues = reinterpret_cast<const u8*>(entry[2]);
  place.upScales = reinterpret_cast<const void*>(entry[3]);
  return true;
}

/// One block's product: loads stages ahead of the multiplications.
template <class TILE>
struct Matmul {
  using Format = typename TILE::Format;

  static constexpr int CHUNKS_PER_ROW = TILE::STAGE_INPUTS / 8;
  static constexpr int ROW_CHUNKS = TILE::ROWS * CHUNKS_PER_ROW / TILE::THREADS;
  static constexpr int STRIP_CHUNKS = TILE::STRIP_BYTES / 16;

  const MatmulInput& in;
  const MatmulPlace& place;
  u8* shared;
  int terms;
  int stageBytes;
  int thread;
  int warpM;
  int warpN;
  int lane;
  int firstStrip;
  int strips;
  /// The input row of each chunk that this thread loads, negative for none.
  int rowOf[ROW_CHUNKS];

  float sums[TILE::M_TILES][TILE::STRIPS][2][4];

  __device__ Matmul(const MatmulInput& input, const MatmulPlace& where, u8* memory) : in(input), place(where) {
    shared = memory;
    terms = input.termStride == 0 ? 1 : 2;
    stageBytes = terms * TILE::ROW_BYTES + TILE::WEIGHT_BYTES;
    thread = threadIdx.x;
    lane = thread % 32;
    warpM = thread / 32 / TILE::WARPS_N;
    warpN = thread / 32 % TILE::WARPS_N;
    firstStrip = blockIdx.x * TILE::OUTPUT_STRIPS;
    strips = (in.outputs + STRIP - 1) / STRIP;
#pragma unroll
    for (int i = 0; i < ROW_CHUNKS; i++) {
      int row = place.firstRow + (thread + i * TILE::THREADS) / CHUNKS_PER_ROW;
      rowOf[i] = row >= place.endRow ? -1 : in.rowOf == nullptr ? row : in.rowOf[row];
    }
  }

  __device__ void clear() {
#pragma unroll
    for (int m = 0; m < TILE::M_TILES; m++) {
#pragma unroll
      for (int s = 0; s < TILE::STRIPS; s++) {
#pragma unroll
        for (int i = 0; i < 8; i++) {
          sums[m][s][i / 4][i % 4] = 0;
        }
      }
    }
  }

  __device__ int scaleBytes() const { return in.wideScales ? 4 : 2; }

  /// Begins to load inputs k to k + STAGE_INPUTS - 1.
  __device__ void load(int slot, int k) {
    u8* stage = shared + slot * stageBytes;
    int first = k < in.rowInputs ? k : k - in.rowInputs;
#pragma unroll 1
    for (int term = 0; term < terms; term++) {
#pragma unroll
      for (int i = 0; i < ROW_CHUNKS; i++) {
        int chunk = thread + i * TILE::THREADS;
        int column = chunk % CHUNKS_PER_ROW * 8;
        bool isThere = rowOf[i] >= 0 && first + column < in.stride;
        const bf16* from = in.rows + (isThere ? term * in.termStride + rowOf[i] * in.stride + first + column : 0);
        u8* to = stage + term * TILE::ROW_BYTES;
        cpAsync16(to + (chunk / CHUNKS_PER_ROW * TILE::ROW_STRIDE + column) * 2, from, isThere);
      }
    }
    u8* weights = stage + terms * TILE::ROW_BYTES;
    i64 stripBytes = (i64)(in.inputs / Format::BLOCK_INPUTS) * BLOCK_BYTES;
    i64 offset = (i64)(k / Format::BLOCK_INPUTS) * BLOCK_BYTES;
#pragma unroll 2
    for (int chunk = thread; chunk < TILE::ALL_STRIPS * STRIP_CHUNKS; chunk += TILE::THREADS) {
      int strip = chunk / STRIP_CHUNKS;
      int column = firstStrip + (TILE::GATED ? strip / 2 : strip);
      const u8* values = TILE::GATED && strip % 2 == 1 ? place.upValues : place.values;
      bool isThere = column < strips;
      const u8* from = values + (isThere ? column * stripBytes + offset + chunk % STRIP_CHUNKS * 16 : 0);
      cpAsync16(weights + chunk * 16, from, isThere);
    }
    if constexpr (Format::HAS_GROUP_SCALES) {
      loadScales(weights + TILE::ALL_STRIPS * TILE::STRIP_BYTES, k);
    }
    cpAsyncCommit();
  }

  /// Scales [strips][groups][16] of the groups that inputs from k on belong to.
  __device__ void loadScales(u8* target, int k) {
    int bytes = STRIP * scaleBytes();
    int count = max(1, TILE::STAGE_INPUTS / in.group);
    int chunks = count * bytes / 16;
    i64 stripBytes = (i64)((in.inputs + in.group - 1) / in.group) * bytes;
    i64 offset = (i64)(k / in.group) * bytes;
#pragma unroll 1
    for (int chunk = thread; chunk < TILE::ALL_STRIPS * chunks; chunk += TILE::THREADS) {
      int strip = chunk / chunks;
      int column = firstStrip + (TILE::GATED ? strip / 2 : strip);
      const void* scales = TILE::GATED && strip % 2 == 1 ? place.upScales : place.scales;
      i64 within = offset + chunk % chunks * 16;
      bool isThere = column < strips && within < stripBytes;
      const u8* from = static_cast<const u8*>(scales) + (isThere ? column * stripBytes + within : 0);
      cpAsync16(target + strip * TILE::SCALE_BYTES + chunk % chunks * 16, from, isThere);
    }
  }

  /// Multiplies a stage that has arrived.
  __device__ void multiply(int slot, int k) {
    const u8* stage = shared + slot * stageBytes;
    const u8* weights = stage + terms * TILE::ROW_BYTES;
#pragma unroll 1
    for (int block = 0; block < TILE::BLOCKS; block++) {
      if constexpr (Format::HAS_GROUP_SCALES) {
        multiplyGroups(stage, weights, k, block);
      } else {
        uint4 words[TILE::STRIPS];
#pragma unroll
        for (int s = 0; s < TILE::STRIPS; s++) {
          words[s] = loadShared16(lanePart(weights, s, block));
        }
#pragma unroll
        for (int step = 0; step < Format::BLOCK_INPUTS / MMA_INPUTS; step++) {
          u32 b0[2 * TILE::STRIPS];
          u32 b1[2 * TILE::STRIPS];
#pragma unroll
          for (int i = 0; i < 2 * TILE::STRIPS; i++) {
            Format::fragments(words[i / 2], step, i % 2, b0[i], b1[i]);
          }
#pragma unroll 1
          for (int term = 0; term < terms; term++) {
            u32 rows[TILE::M_TILES][4];
            loadRows(stage, term, block * Format::BLOCK_INPUTS + step * MMA_INPUTS, rows);
#pragma unroll
            for (int i = 0; i < 2 * TILE::STRIPS; i++) {
#pragma unroll
              for (int m = 0; m < TILE::M_TILES; m++) {
                mma16816(sums[m][i / 2][i % 2], rows[m], b0[i], b1[i]);
              }
            }
          }
        }
      }
    }
  }

  /// What this lane has of a block of strip `s` of its warp.
  __device__ const u8* lanePart(const u8* weights, int s, int block) const {
    return weights + (warpN * TILE::STRIPS + s) * TILE::STRIP_BYTES + block * BLOCK_BYTES + lane * LANE_BYTES;
  }

  __device__ void loadRows(const u8* stage, int term, int column, u32 (&rows)[TILE::M_TILES][4]) {
#pragma unroll
    for (int m = 0; m < TILE::M_TILES; m++) {
      int row = (warpM * TILE::M_TILES + m) * 16 + lane % 16;
      ldmatrix4(rows[m], stage + term * TILE::ROW_BYTES + (row * TILE::ROW_STRIDE + column + lane / 16 * 8) * 2);
    }
  }

  /// A block of 4-bit weights: two units of 32 inputs, whose sums are scaled before they are added.
  __device__ void multiplyGroups(const u8* stage, const u8* weights, int k, int block) {
    const u8* scales = weights + TILE::ALL_STRIPS * TILE::STRIP_BYTES + warpN * TILE::STRIPS * TILE::SCALE_BYTES;
#pragma unroll 1
    for (int unit = 0; unit < 2; unit++) {
      int column = block * Format::BLOCK_INPUTS + unit * 32;
      int group = (k + column) / in.group - k / in.group;
#pragma unroll 1
      for (int term = 0; term < terms; term++) {
        u32 rows[2][TILE::M_TILES][4];
        loadRows(stage, term, column, rows[0]);
        loadRows(stage, term, column + MMA_INPUTS, rows[1]);
#pragma unroll
        for (int s = 0; s < TILE::STRIPS; s++) {
          const u32* words = reinterpret_cast<const u32*>(lanePart(weights, s, block)) + 2 * unit;
          u32 ofStep[2] = {words[0], words[1]};
#pragma unroll
          for (int half = 0; half < 2; half++) {
            float low;
            float high;
            groupScales(scales + s * TILE::SCALE_BYTES, group * STRIP + half * 8 + lane % 4 * 2, low, high);
            float unitSums[TILE::M_TILES][4] = {};
#pragma unroll
            for (int step = 0; step < 2; step++) {
              u32 b0 = Format::pairOf(ofStep[step], 2 * half);
              u32 b1 = Format::pairOf(ofStep[step], 2 * half + 1);
#pragma unroll
              for (int m = 0; m < TILE::M_TILES; m++) {
                mma16816(unitSums[m], rows[step][m], b0, b1);
              }
            }
#pragma unroll
            for (int m = 0; m < TILE::M_TILES; m++) {
              sums[m][s][half][0] += unitSums[m][0] * low;
              sums[m][s][half][1] += unitSums[m][1] * high;
              sums[m][s][half][2] += unitSums[m][2] * low;
              sums[m][s][half][3] += unitSums[m][3] * high;
            }
          }
        }
      }
    }
  }

  /// The scales of two neighbouring outputs.
  __device__ void groupScales(const u8* scales, int output, float& low, float& high) const {
    if (in.wideScales) {
      low = reinterpret_cast<const float*>(scales)[output];
      high = reinterpret_cast<const float*>(scales)[output + 1];
    } else {
      u32 pair = *reinterpret_cast<const u32*>(scales + output * 2);
      low = lowFloat(pair);
      high = highFloat(pair);
    }
  }

  /// Adds what inputs `first` to `end` - 1 contribute.
  __device__ void run(int first, int end) {
    int count = (end - first) / TILE::STAGE_INPUTS;
#pragma unroll
    for (int stage = 0; stage < TILE::STAGES - 1; stage++) {
      if (stage < count) {
        load(stage, first + stage * TILE::STAGE_INPUTS);
      } else {
        cpAsyncCommit();
      }
    }
#pragma unroll 1
    for (int stage = 0; stage < count; stage++) {
      cpAsyncWait<TILE::STAGES - 2>();
      // Behind it all threads see this stage, and nobody reads any more the one that is loaded over.
      syncThreads();
      int next = stage + TILE::STAGES - 1;
      if (next < count) {
        load(next % TILE::STAGES, first + next * TILE::STAGE_INPUTS);
      } else {
        cpAsyncCommit();
      }
      multiply(stage % TILE::STAGES, first + stage * TILE::STAGE_INPUTS);
    }
    // Nothing is under way, and nobody reads a stage any more, when the block ends or begins anew.
    cpAsyncWait<0>();
    syncThreads();
  }
};

#include "intrinsics.cuh"

/// Elements of a head that one lane holds: heads have at most 256.
constexpr int LANE_PAIRS = 4;

/// Sine and cosine, by a polynomial in double precision, of any angle of a position: the nearest float or its neighbour.
__device__ inline void sineCosine(float angle, float& sine, float& cosine) {
  double quarters = rint((double)angle * 0.63661977236758134308);
  // pi / 2 in two parts: their sum is exact to 2^-107.
  double x = ((double)angle - quarters * 1.5707963267948965580) - quarters * 6.1232339957367660359e-17;
  double square = x * x;
  double s = 1.0 - square / 210 * (1.0 - square / 272);
  s = x * (1.0 - square / 6 * (1.0 - square / 20 * (1.0 - square / 42 * (1.0 - square / 72 * (1.0 - square / 110
      * (1.0 - square / 156 * s))))));
  double c = 1.0 - square / 182 * (1.0 - square / 240);
  c = 1.0 - square / 2 * (1.0 - square / 12 * (1.0 - square / 30 * (1.0 - square / 56 * (1.0 - square / 90
      * (1.0 - square / 132 * c)))));
  i64 quadrant = (i64)quarters;
  double first = quadrant % 2 == 0 ? s : c;
  double second = quadrant % 2 == 0 ? c : s;
  sine = (float)(quadrant & 2 ? -first : first);
  cosine = (float)((quadrant + 1) & 2 ? -second : second);
}

/// The pairs of one head in the lanes of a warp: lane l holds pairs l, l + 32, ...
struct HeadPairs {
  float first[LANE_PAIRS];
  float second[LANE_PAIRS];

  __device__ void load(const float* head, int pairs, int lane) {
#pragma unroll
    for (int i = 0; i < LANE_PAIRS; i++) {
      int pair = lane + 32 * i;
      first[i] = pair < pairs ? head[2 * pair] : 0;
      second[i] = pair < pairs ? head[2 * pair + 1] : 0;
    }
  }

  __device__ void store(float* head, int pairs, int lane) const {
#pragma unroll
    for (int i = 0; i < LANE_PAIRS; i++) {
      int pair = lane + 32 * i;
      if (pair < pairs) {
        head[2 * pair] = first[i];
        head[2 * pair + 1] = second[i];
      }
    }
  }

  __device__ void rotate(int position, const float* inverseFrequencies, int pairs, int lane) {
#pragma unroll
    for (int i = 0; i < LANE_PAIRS; i++) {
      int pair = lane + 32 * i;
      if (pair < pairs) {
        float angle = position * inverseFrequencies[pair];
        float sin;
        float cos;
        sineCosine(angle, sin, cos);
        float a = first[i];
        float b = second[i];
        first[i] = a * cos - b * sin;
        second[i] = a * sin + b * cos;
      }
    }
  }

  __device__ void scale(float factor) {
#pragma unroll
    for (int i = 0; i < LANE_PAIRS; i++) {
      first[i] *= factor;
      second[i] *= factor;
    }
  }

  __device__ void normalize(int pairs, float epsilon) {
    float squares = 0;
#pragma unroll
    for (int i = 0; i < LANE_PAIRS; i++) {
      squares += first[i] * first[i] + second[i] * second[i];
    }
    for (int mask = 16; mask > 0; mask /= 2) {
      squares += shuffleXor(squares, mask);
    }
    scale(rsqrtFloat(squares / (2 * pairs) + epsilon));
  }
};

/// What grows a query with its position: 1 + strength * log(floor((position + 1) / floorScale) + 1).
__device__ inline float temperature(int position, float floorScale, float strength) {
  float steps = floorf((position + 1.0f) / floorScale);
  return (float)logDouble(1.0 + steps) * strength + 1.0f;
}

/// What happens to query and key heads between projection and attention, in this order: rotation of adjacent pairs,
/// division by the root mean square, scaling by position. One warp per head, in place.
///
/// Grid: (heads * rows) / 4; 128 threads.
///
/// @param heads float32 [rows, headsPerRow, dim], dim at most 256
/// @param positions [rows]; those of padding are negative
/// @param inverseFrequencies float32 [dim / 2], or null for no rotation
/// @param normalizes whether heads are divided by sqrt(mean square + epsilon)
/// @param strength 0 for no scaling
extern "C" __global__ void __launch_bounds__(128)
    shape_heads(float* heads, const int* positions, const float* inverseFrequencies, int rows, int headsPerRow, int dim,
                int normalizes, float epsilon, float floorScale, float strength) {
  int index = blockIdx.x * 4 + threadIdx.x / 32;
  int lane = threadIdx.x % 32;
  // A warp behind the last head does it again, so that its lanes meet in the same collectives, and stores nothing.
  bool isThere = index < rows * headsPerRow;
  int known = isThere ? index : rows * headsPerRow - 1;
  int position = positions == nullptr ? 0 : max(0, positions[known / headsPerRow]);
  int pairs = dim / 2;
  float* head = heads + (i64)known * dim;
  HeadPairs values;
  if (isThere) {
    values.load(head, pairs, lane);
  } else {
    values.load(head, 0, lane);
  }
  if (inverseFrequencies != nullptr) {
    values.rotate(position, inverseFrequencies, pairs, lane);
  }
  if (normalizes) {
    values.normalize(pairs, epsilon);
  }
  if (strength != 0) {
    values.scale(temperature(position, floorScale, strength));
  }
  if (isThere) {
    values.store(head, pairs, lane);
  }
}
EXPORT_KERNEL(shape_heads)

/// Writes keys and values into their slots; tokens with a negative slot are padding and have none.
///
/// Grid: rows; 256 threads.
///
/// @param keys float32 [rows, width]
/// @param values float32 [rows, width]
/// @param slots [rows]
/// @param keyCache bf16 [slots, width], or E4M3 where `bytes`
/// @param valueCache likewise
extern "C" __global__ void __launch_bounds__(256)
    store_kv(const float* keys, const float* values, const int* slots, int width, int bytes, void* keyCache,
             void* valueCache) {
  i64 slot = slots[blockIdx.x];
  if (slot < 0) {
    return;
  }
  for (int i = threadIdx.x; i < width; i += blockDim.x) {
    float key = keys[(i64)blockIdx.x * width + i];
    float value = values[(i64)blockIdx.x * width + i];
    if (bytes) {
      static_cast<u8*>(keyCache)[slot * width + i] = toE4m3(key);
      static_cast<u8*>(valueCache)[slot * width + i] = toE4m3(value);
    } else {
      static_cast<bf16*>(keyCache)[slot * width + i] = toBf16(key);
      static_cast<bf16*>(valueCache)[slot * width + i] = toBf16(value);
    }
  }
}
EXPORT_KERNEL(store_kv)

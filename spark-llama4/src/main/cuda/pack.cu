#include "decode.cuh"
#include "weights.cuh"

/// A part of a stored matrix: some outputs and inputs of it. The order is that of the checkpoint.
struct Stored {
  /// Elements of `type`, or words of eight 4-bit values where `type` is TYPE_INT4.
  const void* data;
  int type;
  /// 1 where the outputs of one input lie together, 0 where the inputs of one output do.
  int inputMajor;
  /// Elements from one output (input) to the next; words for 4-bit values, whose rows begin with a word.
  i64 stride;
  /// float32 [outputs] or [outputs, groups], null for none.
  const float* scales;
  /// Inputs that share a scale, 0 for all of an output.
  int group;
  int groups;
  int firstOutput;
  int outputs;
  int firstInput;
  int inputs;
};

/// Eight 4-bit values plus 8 to a 32-bit word, the lowest first.
constexpr int TYPE_INT4 = 4;

#define STORED_PARAMETERS                                                                                              \
  const void *data, int type, int inputMajor, i64 stride, const float *storedScales, int storedGroup,                  \
      int storedGroups, int firstOutput, int outputs, int firstInput, int inputs
#define STORED                                                                                                         \
  Stored {                                                                                                             \
    data, type, inputMajor, stride, storedScales, storedGroup, storedGroups, firstOutput, outputs, firstInput, inputs  \
  }

__device__ int nibbleAt(const Stored& from, i64 output, i64 input) {
  u32 word = static_cast<const u32*>(from.data)[output * from.stride + input / 8];
  return (int)(word >> (4 * (input % 8)) & 0xf);
}

/// The weight of an output and an input of the part; 0 where it has no such.
__device__ float weightAt(const Stored& from, int output, int input) {
  if (output >= from.outputs || input >= from.inputs) {
    return 0;
  }
  i64 row = from.firstOutput + output;
  i64 column = from.firstInput + input;
  if (from.type == TYPE_INT4) {
    return (nibbleAt(from, row, column) - 8) * from.scales[row * from.groups + column / from.group];
  }
  i64 at = from.inputMajor ? column * from.stride + row : row * from.stride + column;
  float value = decode(from.data, from.type, at);
  return from.scales == nullptr ? value : value * from.scales[row];
}

/// What one thread writes: the 16 bytes of a lane.
struct LanePlace {
  int strip;
  int block;
  int lane;

  /// The output of `half`.
  __device__ int output(int half) const { return strip * STRIP + half * 8 + lane / 4; }
  /// The input of register `reg`, its lower or upper element, in step `step` of a block that begins with `first`.
  __device__ int input(int first, int step, int reg, int upper) const {
    return first + step * MMA_INPUTS + lane % 4 * 2 + reg * 8 + upper;
  }
};

/// The place of this thread, and whether there is one.
__device__ bool lanePlace(int strips, int blocks, LanePlace& place) {
  i64 at = (i64)blockIdx.x * blockDim.x + threadIdx.x;
  place.lane = (int)(at % 32);
  place.block = (int)(at / 32 % blocks);
  place.strip = (int)(at / 32 / blocks);
  return at < (i64)strips * blocks * 32;
}

/// Writes the four words that `word(i)` makes.
template <class WORD>
__device__ void writeLane(u8* target, int blocks, const LanePlace& place, WORD word) {
  i64 block = (i64)place.strip * blocks + place.block;
  u32* words = reinterpret_cast<u32*>(target + block * BLOCK_BYTES + place.lane * LANE_BYTES);
#pragma unroll 1
  for (int i = 0; i < 4; i++) {
    words[i] = word(i);
  }
}

/// Weights as bf16 fragments (weights.cuh); as two terms where `terms` is 2.
///
/// Grid: strips * blocks * 32 / 128; 128 threads.
///
/// @param target strips of the outputs, each `blocks` blocks of 16 inputs, those of both terms
extern "C" __global__ void __launch_bounds__(128) pack_bf16(STORED_PARAMETERS, u8* target, int blocks, int terms) {
  Stored from = STORED;
  LanePlace place;
  if (lanePlace((outputs + STRIP - 1) / STRIP, blocks, place)) {
    writeLane(target, blocks, place, [&](int i) {
      int ofTerm = blocks / terms;
      int first = place.block % ofTerm * 16;
      float low = weightAt(from, place.output(i / 2), place.input(first, 0, i % 2, 0));
      float high = weightAt(from, place.output(i / 2), place.input(first, 0, i % 2, 1));
      u32 pair = packBf16(low, high);
      return place.block < ofTerm ? pair : packBf16(low - lowFloat(pair), high - highFloat(pair));
    });
  }
}
EXPORT_KERNEL(pack_bf16)

/// E4M3 values as they are stored, in fragments; their scales, one to an output, are copied elsewhere.
///
/// Grid and target as those of pack_bf16, in blocks of 32 inputs.
extern "C" __global__ void __launch_bounds__(128) pack_e4m3(STORED_PARAMETERS, u8* target, int blocks) {
  Stored from = STORED;
  LanePlace place;
  if (lanePlace((outputs + STRIP - 1) / STRIP, blocks, place)) {
    writeLane(target, blocks, place, [&](int i) {
      u32 word = 0;
      int output = place.output(i % 2);
      for (int byte = 0; byte < 4; byte++) {
        int input = place.input(place.block * 32, i / 2, byte / 2, byte % 2);
        if (output < outputs && input < inputs) {
          i64 at = (firstOutput + output) * from.stride + firstInput + input;
          word |= (u32)static_cast<const u8*>(from.data)[at] << (8 * byte);
        }
      }
      return word;
    });
  }
}
EXPORT_KERNEL(pack_e4m3)

/// The largest magnitude of each output's weights. NaN where one is not a number.
///
/// Grid: outputs / 4; 128 threads, a warp to an output.
///
/// @param target float32 [outputs]
extern "C" __global__ void __launch_bounds__(128) largest_int8(STORED_PARAMETERS, float* target) {
  Stored from = STORED;
  int output = blockIdx.x * 4 + threadIdx.x / 32;
  float most = 0;
  for (int i = threadIdx.x % 32; i < inputs; i += 32) {
    float magnitude = fabsf(weightAt(from, output, i));
    most = magnitude > most || magnitude != magnitude ? magnitude : most;
  }
  for (int mask = 16; mask > 0; mask /= 2) {
    float other = shuffleXor(most, mask);
    most = other > most || other != other ? other : most;
  }
  if (threadIdx.x % 32 == 0 && output < outputs) {
    target[output] = most;
  }
}
EXPORT_KERNEL(largest_int8)

/// The integer nearest to `value`, ties to even; |value| < 2^22.
__device__ int nearest(float value) {
  return (int)((value + 12582912.0f) - 12582912.0f);
}

/// Scales of 8-bit weights: the largest magnitudes over 127, in place, when the weights have been packed.
///
/// Grid: outputs / 128; 128 threads.
extern "C" __global__ void __launch_bounds__(128) scales_int8(float* largest, int outputs) {
  int output = blockIdx.x * 128 + threadIdx.x;
  if (output < outputs) {
    largest[output] /= 127.0f;
  }
}
EXPORT_KERNEL(scales_int8)

/// Weights as 8-bit integers plus 128 in fragments: w * 127 / largest, rounded.
///
/// Grid and target as those of pack_bf16, in blocks of 32 inputs.
///
/// @param largest float32 [outputs], of largest_int8
extern "C" __global__ void __launch_bounds__(128)
    pack_int8(STORED_PARAMETERS, const float* largest, u8* target, int blocks) {
  Stored from = STORED;
  LanePlace place;
  if (lanePlace((outputs + STRIP - 1) / STRIP, blocks, place)) {
    writeLane(target, blocks, place, [&](int i) {
      u32 word = 0;
      int output = place.output(i % 2);
      float most = output < outputs ? largest[output] : 0;
      float inverse = most > 0 ? 127.0f / most : 0;
      // Of weights so small that this is not finite, nothing is left.
      inverse = inverse > 3.4e38f ? 0 : inverse;
#pragma unroll 1
      for (int byte = 0; byte < 4; byte++) {
        int input = place.input(place.block * 32, i / 2, byte / 2, byte % 2);
        int code = max(-127, min(127, nearest(weightAt(from, output, input) * inverse)));
        word |= (u32)(code + 128) << (8 * byte);
      }
      return word;
    });
  }
}
EXPORT_KERNEL(pack_int8)

/// The code of a weight, -8 to 7.
__device__ int code4(float weight, float inverse) {
  return nearest(fminf(fmaxf(weight * inverse, -8.0f), 7.0f));
}

__device__ float squaredError(const Stored& from, int output, int first, int count, float scale) {
  float inverse = scale == 0 ? 0 : 1.0f / scale;
  float sum = 0;
#pragma unroll 1
  for (int i = first; i < first + count; i++) {
    float weight = weightAt(from, output, i);
    float difference = weight - code4(weight, inverse) * scale;
    sum += difference * difference;
  }
  return sum;
}

/// The scales of 4-bit weights, in bf16: the better of two by squared error. One puts the weight of largest magnitude at
/// -8, the other at 7 or -7. NaN where a weight is not finite.
///
/// Grid: strips * groups * 16 / 128; 128 threads.
///
/// @param target bf16 [strips, groups, 16]
extern "C" __global__ void __launch_bounds__(128) scales_int4(STORED_PARAMETERS, bf16* target, int group, int groups) {
  Stored from = STORED;
  i64 at = (i64)blockIdx.x * blockDim.x + threadIdx.x;
  int output = (int)(at / STRIP / groups) * STRIP + (int)(at % STRIP);
  int first = (int)(at / STRIP % groups) * group;
  if (at >= (i64)((outputs + STRIP - 1) / STRIP) * groups * STRIP) {
    return;
  }
  float largest = 0;
  float odd = 0;
  for (int i = first; i < first + group; i++) {
    float weight = weightAt(from, output, i);
    largest = fabsf(weight) > fabsf(largest) ? weight : largest;
    odd += weight * 0;
  }
  largest += odd;
  float whole = toFloat(toBf16(largest / -8.0f));
  float even = toFloat(toBf16(fabsf(largest) / 7.0f));
  bool isWhole = squaredError(from, output, first, group, whole) <= squaredError(from, output, first, group, even);
  target[at] = toBf16(isWhole ? whole : even);
}
EXPORT_KERNEL(scales_int4)

/// Scales of stored 4-bit weights in the order of strips; those of the part's inputs alone.
///
/// Grid: strips * groups * 16 / 128; 128 threads.
///
/// @param target [strips, groups, 16], float32 where `wide`, else bf16
extern "C" __global__ void __launch_bounds__(128)
    copy_scales_int4(STORED_PARAMETERS, void* target, int group, int groups, int wide) {
  i64 at = (i64)blockIdx.x * blockDim.x + threadIdx.x;
  int output = (int)(at / STRIP / groups) * STRIP + (int)(at % STRIP);
  if (at < (i64)((outputs + STRIP - 1) / STRIP) * groups * STRIP) {
    i64 of = (firstInput + at / STRIP % groups * group) / storedGroup;
    float scale = output < outputs && of < storedGroups ? storedScales[(i64)(firstOutput + output) * storedGroups + of] : 0;
    if (wide) {
      static_cast<float*>(target)[at] = scale;
    } else {
      static_cast<bf16*>(target)[at] = toBf16(scale);
    }
  }
}
EXPORT_KERNEL(copy_scales_int4)

/// Weights as 4-bit integers plus 8 in fragments: stored ones as they are, others w / scale, rounded.
///
/// Grid and target as those of pack_bf16, in blocks of 64 inputs.
///
/// @param scales bf16 [strips, groups, 16], of scales_int4; null for stored 4-bit weights
extern "C" __global__ void __launch_bounds__(128, 1)
    pack_int4(STORED_PARAMETERS, const bf16* scales, int group, int groups, u8* target, int blocks) {
  Stored from = STORED;
  LanePlace place;
  if (lanePlace((outputs + STRIP - 1) / STRIP, blocks, place)) {
    writeLane(target, blocks, place, [&](int i) {
      u32 word = 0;
#pragma unroll 1
      for (int nibble = 0; nibble < 8; nibble++) {
        int output = place.output(nibble % 4 / 2);
        int input = place.input(place.block * 64, i, nibble % 2, nibble / 4);
        int code = 0;
        if (output < outputs && input < inputs) {
          if (scales == nullptr) {
            code = nibbleAt(from, firstOutput + output, firstInput + input) - 8;
          } else {
            i64 of = ((i64)place.strip * groups + input / group) * STRIP + output % STRIP;
            float scale = toFloat(scales[of]);
            code = code4(weightAt(from, output, input), scale == 0 ? 0 : 1.0f / scale);
          }
        }
        word |= (u32)((code + 8) & 0xf) << (4 * nibble);
      }
      return word;
    });
  }
}
EXPORT_KERNEL(pack_int4)

/// Weights as float32 [outputs, inputs].
///
/// Grid: outputs * inputs / 128; 128 threads.
extern "C" __global__ void __launch_bounds__(128) widen(STORED_PARAMETERS, float* target) {
  Stored from = STORED;
  i64 at = (i64)blockIdx.x * blockDim.x + threadIdx.x;
  if (at < (i64)outputs * inputs) {
    target[at] = weightAt(from, (int)(at / inputs), (int)(at % inputs));
  }
}
EXPORT_KERNEL(widen)

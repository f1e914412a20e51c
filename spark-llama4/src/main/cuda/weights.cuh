#pragma once
#include "intrinsics.cuh"

/// Weights as tensor cores read them.
///
/// A matrix [outputs, inputs] is filled up with zeros and cut into strips of 16 outputs, and these into blocks of 16, 32
/// or 64 inputs for weights of 16, 8 or 4 bits: 512 bytes each, 16 for each lane of a warp, which are the registers b0
/// and b1 of mma.m16n8k16 for outputs 0 to 7 (half 0) and 8 to 15 (half 1) of the strip. In lane 4g + t, b0 holds inputs
/// 2t and 2t + 1 of output g, b1 inputs 2t + 8 and 2t + 9. The blocks of a strip follow each other.

///
/// float32 weights are two bf16 each, the nearest and the nearest to what it leaves, which are exact to 2^-16: the blocks
/// of the first of all inputs come before those of the second, as if there were twice as many inputs.

/// Outputs of a strip.
constexpr int STRIP = 16;

/// Bytes of a block of weights.
constexpr int BLOCK_BYTES = 512;

/// Bytes of a block that one lane reads.
constexpr int LANE_BYTES = 16;

/// Inputs of one mma.
constexpr int MMA_INPUTS = 16;

__device__ inline u32 wordOf(const uint4& words, int index) {
  return index == 0 ? words.x : index == 1 ? words.y : index == 2 ? words.z : words.w;
}

/// bf16: words (half 0 b0, half 0 b1, half 1 b0, half 1 b1).
struct Bf16Format {
  static constexpr int BLOCK_INPUTS = 16;
  /// Inputs are filled up to a multiple of this.
  static constexpr int INPUT_UNIT = 64;
  static constexpr bool HAS_OUTPUT_SCALES = false;
  static constexpr bool HAS_GROUP_SCALES = false;

  static __device__ void fragments(const uint4& words, int, int half, u32& b0, u32& b1) {
    b0 = wordOf(words, 2 * half);
    b1 = wordOf(words, 2 * half + 1);
  }
};

/// Signed 8-bit integers, exact in bf16: word 2 * step + half, bytes (b0 low, b0 high, b1 low, b1 high), each plus 128.
struct Int8Format {
  static constexpr int BLOCK_INPUTS = 32;
  static constexpr int INPUT_UNIT = 128;
  static constexpr bool HAS_OUTPUT_SCALES = true;
  static constexpr bool HAS_GROUP_SCALES = false;

  /// The byte at `shift`, as a float: 2^23 + byte, less 2^23 + 128.
  static __device__ float value(u32 word, int shift) {
    return floatOf(0x4b000000u | ((word >> shift) & 0xffu)) - 8388736.0f;
  }

  static __device__ void fragments(const uint4& words, int step, int half, u32& b0, u32& b1) {
    u32 word = wordOf(words, 2 * step + half);
    b0 = packBf16(value(word, 0), value(word, 8));
    b1 = packBf16(value(word, 16), value(word, 24));
  }
};

/// E4M3, exact in bf16: bytes as those of 8-bit integers.
struct E4m3Format {
  static constexpr int BLOCK_INPUTS = 32;
  static constexpr int INPUT_UNIT = 128;
  static constexpr bool HAS_OUTPUT_SCALES = true;
  static constexpr bool HAS_GROUP_SCALES = false;

  /// Two bytes in the upper and lower half of `pair`, in bits 8 to 15 of each, as two bf16. Exponent and mantissa move
  /// under those of a bf16; 2^120 makes up for the difference of the exponents' biases.
  static __device__ u32 pairOf(u32 pair) {
    u32 bits = (pair & 0x80008000u) | ((pair & 0x7f007f00u) >> 4);
    return fmaBf16x2(bits, 0x7b807b80u, 0x80008000u);
  }

  static __device__ void fragments(const uint4& words, int step, int half, u32& b0, u32& b1) {
    u32 word = wordOf(words, 2 * step + half);
    b0 = pairOf(((word & 0xffu) << 8) | ((word & 0xff00u) << 16));
    b1 = pairOf(((word >> 8) & 0xff00u) | (word & 0xff000000u));
  }
};

/// 4-bit integers plus 8: word = step; nibbles i = 2 * half + register hold the lower input of a pair, i + 4 the upper.
struct Int4Format {
  static constexpr int BLOCK_INPUTS = 64;
  static constexpr int INPUT_UNIT = 128;
  static constexpr bool HAS_OUTPUT_SCALES = false;
  static constexpr bool HAS_GROUP_SCALES = true;

  /// Nibbles `index` and `index + 4`, less 8, as two bf16: 128 + nibble is exact, and so is the difference.
  static __device__ u32 pairOf(u32 word, int index) {
    u32 bits = ((word >> (4 * index)) & 0x000f000fu) | 0x43004300u;
    return fmaBf16x2(bits, 0x3f803f80u, 0xc308c308u);
  }
};

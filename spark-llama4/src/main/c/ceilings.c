/* What the processor can do at best, in registers or from memory: what benchmarks are shares of. */
#include "kernels.h"

#define CHAINS 12

/* The result must be used, or the compiler leaves the work out. */
static volatile float sink;

INLINE double multiply_adds(int64_t rounds) {
  vf sums[CHAINS];
  UNROLL for (int i = 0; i < CHAINS; i++) sums[i] = broadcast((float)i);
  vf factor = broadcast(0.999f), addend = broadcast(0.001f);
  for (int64_t n = 0; n < rounds; n++) {
    UNROLL for (int i = 0; i < CHAINS; i++) sums[i] = fma_floats(sums[i], factor, addend);
  }
  vf total = {};
  UNROLL for (int i = 0; i < CHAINS; i++) total += sums[i];
  sink = total[0];
  return 2.0 * rounds * CHAINS * LANES;
}

/* Keeps the compiler from computing in advance what it could. */
#define HIDE(x) __asm__ volatile("" : "+m"(x))

/* 8-bit weights and inputs: the best exact sequence of this instruction set. */
INLINE double int8_products(int64_t rounds) {
  vi sums[8], weight = (vi){} + 0x01010101, input = (vi){} + 0x01020102;
  HIDE(weight);
  HIDE(input);
  UNROLL for (int i = 0; i < 8; i++) sums[i] = (vi){} + i;
  for (int64_t n = 0; n < rounds; n++) {
#ifdef SL4_PAIRS
    /* Bytes to 16 bits, those to 32 bits. */
    UNROLL for (int i = 0; i < 8; i++) {
      NOW(weight);
      sums[i] += multiply_pairs((vi)multiply_byte_pairs(weight, input), input);
    }
#else
    UNROLL for (int i = 0; i < 8; i++) sums[i] = dot4(sums[i], weight, input);
#endif
  }
  vi total = {};
  UNROLL for (int i = 0; i < 8; i++) total += sums[i];
  sink = (float)total[0];
  return 2.0 * rounds * 8 * SL4_WIDTH;
}

/* 4-bit weights: eight pairs of bytes may be added in 16 bits before they are widened. */
INLINE double int4_products(int64_t rounds) {
#ifdef SL4_PAIRS
  vs sums[8];
  vi weight = (vi){} + 0x01010101, input = (vi){} + 0x01020102;
  HIDE(weight);
  HIDE(input);
  UNROLL for (int i = 0; i < 8; i++) sums[i] = (vs){} + (int16_t)i;
  for (int64_t n = 0; n < rounds; n++) {
    UNROLL for (int i = 0; i < 8; i++) sums[i] += multiply_byte_pairs((vi)sums[i], input);
  }
  vs total = {};
  UNROLL for (int i = 0; i < 8; i++) total += sums[i];
  sink = (float)total[0];
  return 2.0 * rounds * 8 * SL4_WIDTH;
#else
  return int8_products(rounds);
#endif
}

/* Two streams that lie far apart keep more of the memory's lines on their way than one. */
INLINE double read_memory(const uint8_t *memory, int64_t bytes) {
  int64_t half = bytes / 2 / (4 * SL4_WIDTH) * (4 * SL4_WIDTH);
  vi sums[8] = {{}};
  for (int64_t at = 0; at < half; at += 4 * SL4_WIDTH) {
    UNROLL for (int i = 0; i < 4; i++) {
      sums[2 * i] += load_ints(memory + at + i * SL4_WIDTH);
      sums[2 * i + 1] += load_ints(memory + half + at + i * SL4_WIDTH);
    }
  }
  vi total = {};
  UNROLL for (int i = 0; i < 8; i++) total += sums[i];
  sink = (float)total[0];
  return 2.0 * half;
}

EXPORT double sl4_ceiling(int what, int64_t rounds, const uint8_t *memory, int64_t bytes) {
  switch (what) {
    case 0: return multiply_adds(rounds);
    case 1: return int8_products(rounds);
    case 2: return int4_products(rounds);
    case 4: return read_memory(memory, bytes);
    default: return -1;
  }
}

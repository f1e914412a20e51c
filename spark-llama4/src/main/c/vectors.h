/* Vectors of one width, chosen by the compiler's target, and the few operations on them that C's vector
 * extensions lack. With SL4_EMULATE the operations are plain loops, so that the code for wider vectors and for dot
 * instructions is tested on machines that have neither. */
#ifndef SPARK_LLAMA4_VECTORS_H
#define SPARK_LLAMA4_VECTORS_H

#include <stdint.h>
#include <string.h>

#if !defined(SL4_EMULATE) && (defined(__x86_64__) || defined(__i386__))
#include <immintrin.h>
#elif !defined(SL4_EMULATE) && defined(__ARM_NEON)
#include <arm_neon.h>
#endif

/* SL4_WIDTH: bytes of a vector. SL4_DOT4: four 8-bit products added to a 32-bit lane in one instruction. SL4_PAIRS: two
 * 16-bit products, or two of an unsigned and a signed byte, added in one instruction. */
#ifndef SL4_EMULATE
#if defined(__AVX512F__) && defined(__AVX512BW__)
#define SL4_WIDTH 64
#elif defined(__AVX2__) && defined(__FMA__)
#define SL4_WIDTH 32
#else
#define SL4_WIDTH 16
#endif
#if (SL4_WIDTH == 64 && defined(__AVX512VNNI__)) || (SL4_WIDTH == 32 && defined(__AVXVNNI__)) || \
    (SL4_WIDTH == 16 && defined(__ARM_FEATURE_DOTPROD))
#define SL4_DOT4 1
#elif SL4_WIDTH >= 32
#define SL4_PAIRS 1
#endif
#endif

/* True where both factors of a product of bytes are signed; on x86 the first is unsigned. */
#if !defined(SL4_PAIRS) && !(defined(SL4_DOT4) && !defined(__ARM_NEON))
#define SL4_SIGNED 1
#endif

#define INLINE static inline __attribute__((always_inline))
#define EXPORT __attribute__((visibility("default")))
#ifdef SL4_EMULATE
#define UNROLL
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

/* Outputs of a panel, and vectors that hold them. */
#define PANEL 16
#define LANES (SL4_WIDTH / 4)
#define VECTORS (PANEL / LANES)

typedef float vf __attribute__((vector_size(SL4_WIDTH)));
typedef int32_t vi __attribute__((vector_size(SL4_WIDTH)));
typedef uint32_t vu __attribute__((vector_size(SL4_WIDTH)));
typedef int16_t vs __attribute__((vector_size(SL4_WIDTH)));
typedef int8_t vb __attribute__((vector_size(SL4_WIDTH)));
typedef uint8_t vub __attribute__((vector_size(SL4_WIDTH)));
typedef uint16_t half_u16 __attribute__((vector_size(SL4_WIDTH / 2)));
typedef uint8_t quarter_u8 __attribute__((vector_size(SL4_WIDTH / 4)));

/* The sum is computed here and now: what is put off waits in memory, since registers are few. */
#if defined(__x86_64__) && !defined(SL4_EMULATE)
#define NOW(sum) __asm__ volatile("" : "+x"(sum))
#elif defined(__ARM_NEON) && !defined(SL4_EMULATE)
#define NOW(sum) __asm__ volatile("" : "+w"(sum))
#else
#define NOW(sum) (void)(sum)
#endif


#define LOADER(type, name)                  \
  INLINE type name(const void *address) {   \
    type value;                             \
    memcpy(&value, address, sizeof value);  \
    return value;                           \
  }
LOADER(vf, load_floats)
LOADER(vi, load_ints)
LOADER(vu, load_words)
LOADER(half_u16, load_halves)
LOADER(quarter_u8, load_bytes)

INLINE void store_floats(void *address, vf value) { memcpy(address, &value, sizeof value); }

/* Not the sum with 0, which would make -0 a 0 and cost an addition. */
INLINE vf broadcast(float value) { return value - (vf){}; }

/* The same four bytes in every 32-bit lane. */
INLINE vi broadcast4(const void *address) {
  int32_t word;
  memcpy(&word, address, sizeof word);
  return (vi){} + word;
}

/* Stored 8-bit weights, plus 128, as the first factor of a product of bytes. */
INLINE vi weight_bytes(vi stored) {
#ifdef SL4_SIGNED
  return (vi)((vu)stored ^ 0x80808080u);
#else
  return stored;
#endif
}

INLINE vf to_floats(vi value) { return __builtin_convertvector(value, vf); }

INLINE vf widen_bfloat16(half_u16 bits) {
#if !defined(SL4_EMULATE) && SL4_WIDTH == 32
  /* The compiler's own conversion takes two halves and joins them. */
  return (vf)((vu)_mm256_cvtepu16_epi32((__m128i)bits) << 16);
#else
  return (vf)(__builtin_convertvector(bits, vu) << 16);
#endif
}

INLINE vf select_floats(vi mask, vf yes, vf no) { return (vf)((mask & (vi)yes) | (~mask & (vi)no)); }

INLINE vf max_floats(vf a, vf b) { return select_floats(a > b, a, b); }

INLINE vf min_floats(vf a, vf b) { return select_floats(a < b, a, b); }

/* a * b + c, rounded once. */
INLINE vf fma_floats(vf a, vf b, vf c) {
#if defined(SL4_EMULATE)
  UNROLL for (int i = 0; i < LANES; i++) c[i] = __builtin_fmaf(a[i], b[i], c[i]);
  return c;
#elif SL4_WIDTH == 64
  return _mm512_fmadd_ps(a, b, c);
#elif SL4_WIDTH == 32
  return _mm256_fmadd_ps(a, b, c);
#elif defined(__ARM_NEON)
  return (vf)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
  UNROLL for (int i = 0; i < LANES; i++) c[i] = __builtin_fmaf(a[i], b[i], c[i]);
  return c;
#endif
}

/* IEEE half precision as floats. */
INLINE vf widen_float16(const void *address) {
#if !defined(SL4_EMULATE) && SL4_WIDTH == 64
  return _mm512_cvtph_ps(_mm256_loadu_si256(address));
#elif !defined(SL4_EMULATE) && SL4_WIDTH == 32
  return _mm256_cvtph_ps(_mm_loadu_si128(address));
#else
  /* The exponent moves from bias 15 to bias 127 by a multiplication, which also makes subnormals normal. */
  vu bits = __builtin_convertvector(load_halves(address), vu);
  vf magnitude = (vf)((bits & 0x7fff) << 13) * broadcast(0x1p112f);
  vi special = (vi)((bits & 0x7c00) == 0x7c00);
  vu wide = (vu)magnitude | ((vu)special & 0x7f800000u);
  return (vf)(wide | ((bits & 0x8000) << 16));
#endif
}

/* Rounds to the nearest integer, ties to even. */
INLINE vi round_floats(vf value) {
#if !defined(SL4_EMULATE) && SL4_WIDTH == 64
  return (vi)_mm512_cvtps_epi32(value);
#elif !defined(SL4_EMULATE) && SL4_WIDTH == 32
  return (vi)_mm256_cvtps_epi32(value);
#elif !defined(SL4_EMULATE) && defined(__ARM_NEON)
  return (vi)vcvtnq_s32_f32((float32x4_t)value);
#else
  vf rounder = broadcast(0x1.8p23f);
  return __builtin_convertvector((value + rounder) - rounder, vi);
#endif
}

#ifdef SL4_PAIRS
/* In every 32-bit lane: the sum of the products of two signed 16-bit numbers. */
INLINE vi multiply_pairs(vi a, vi b) {
#if defined(SL4_EMULATE)
  vs x = (vs)a, y = (vs)b;
  vi sum;
  UNROLL for (int i = 0; i < LANES; i++) sum[i] = x[2 * i] * y[2 * i] + x[2 * i + 1] * y[2 * i + 1];
  return sum;
#elif SL4_WIDTH == 64
  return (vi)_mm512_madd_epi16((__m512i)a, (__m512i)b);
#else
  return (vi)_mm256_madd_epi16((__m256i)a, (__m256i)b);
#endif
}

/* In every 16-bit lane: the sum of two products of an unsigned and a signed byte; callers keep it in range. */
INLINE vs multiply_byte_pairs(vi unsigned_bytes, vi signed_bytes) {
#if defined(SL4_EMULATE)
  vub x = (vub)unsigned_bytes;
  vb y = (vb)signed_bytes;
  vs sum;
  UNROLL for (int i = 0; i < 2 * LANES; i++) sum[i] = x[2 * i] * y[2 * i] + x[2 * i + 1] * y[2 * i + 1];
  return sum;
#elif SL4_WIDTH == 64
  return (vs)_mm512_maddubs_epi16((__m512i)unsigned_bytes, (__m512i)signed_bytes);
#else
  return (vs)_mm256_maddubs_epi16((__m256i)unsigned_bytes, (__m256i)signed_bytes);
#endif
}
#else
/* In every 32-bit lane: sum + four products. The first factor is unsigned on x86 and signed on ARM; callers give bytes that
 * are right for both, or follow SL4_SIGNED. */
INLINE vi dot4(vi sum, vi first, vi second) {
#if defined(SL4_DOT4) && !defined(SL4_EMULATE) && SL4_WIDTH == 64
  return (vi)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)first, (__m512i)second);
#elif defined(SL4_DOT4) && !defined(SL4_EMULATE) && SL4_WIDTH == 32
  return (vi)_mm256_dpbusd_avx_epi32((__m256i)sum, (__m256i)first, (__m256i)second);
#elif defined(SL4_DOT4) && !defined(SL4_EMULATE) && defined(__ARM_NEON)
  return (vi)vdotq_s32((int32x4_t)sum, (int8x16_t)first, (int8x16_t)second);
#else
#ifdef SL4_SIGNED
  vb x = (vb)first;
#else
  vub x = (vub)first;
#endif
  vb y = (vb)second;
  UNROLL for (int i = 0; i < LANES; i++) {
    UNROLL for (int j = 4 * i; j < 4 * i + 4; j++) sum[i] += x[j] * y[j];
  }
  return sum;
#endif
}
#endif

#endif

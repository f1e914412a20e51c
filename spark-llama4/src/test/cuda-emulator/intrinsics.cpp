/// What warps do together, computed for all 32 lanes at once.
#include "../../main/cuda/intrinsics.cuh"

namespace emulator {

void ballotCollective(Warp& warp) {
  u32 bits = 0;
  for (int lane = 0; lane < 32; lane++) {
    bits |= static_cast<u32>(*static_cast<const bool*>(warp.in[lane])) << lane;
  }
  for (int lane = 0; lane < 32; lane++) {
    *static_cast<u32*>(warp.out[lane]) = bits;
  }
}

void ldmatrixCollective(Warp& warp) {
  for (int lane = 0; lane < 32; lane++) {
    for (int matrix = 0; matrix < 4; matrix++) {
      static_cast<u32*>(warp.out[lane])[matrix] = static_cast<const u32*>(warp.in[matrix * 8 + lane / 4])[lane % 4];
    }
  }
}

void ldmatrixTransposedCollective(Warp& warp) {
  for (int lane = 0; lane < 32; lane++) {
    for (int matrix = 0; matrix < 4; matrix++) {
      int row = lane % 4 * 2, column = lane / 4;
      u32 low = static_cast<const u16*>(warp.in[matrix * 8 + row])[column];
      u32 high = static_cast<const u16*>(warp.in[matrix * 8 + row + 1])[column];
      static_cast<u32*>(warp.out[lane])[matrix] = low | high << 16;
    }
  }
}

namespace {

typedef float Four __attribute__((vector_size(16)));

void setPair(float* target, size_t stride, u32 pair) {
  target[0] = lowFloat(pair);
  target[stride] = highFloat(pair);
}

}  // namespace

void mmaCollective(Warp& warp) {
  float a[16][16];                // [row][k]
  alignas(16) float b[16][8];     // [k][column]
  alignas(16) float sums[16][8];  // [row][column]
  for (int lane = 0; lane < 32; lane++) {
    const MmaInput& in = *static_cast<const MmaInput*>(warp.in[lane]);
    int g = lane / 4, t = lane % 4 * 2;
    setPair(&a[g][t], 1, in.a[0]);
    setPair(&a[g + 8][t], 1, in.a[1]);
    setPair(&a[g][t + 8], 1, in.a[2]);
    setPair(&a[g + 8][t + 8], 1, in.a[3]);
    setPair(&b[t][g], 8, in.b0);
    setPair(&b[t + 8][g], 8, in.b1);
  }
  for (int row = 0; row < 16; row++) {
    Four left = {}, right = {};
    for (int k = 0; k < 16; k++) {
      const Four* columns = reinterpret_cast<const Four*>(b[k]);
      Four factor = {a[row][k], a[row][k], a[row][k], a[row][k]};
      left += factor * columns[0];
      right += factor * columns[1];
    }
    reinterpret_cast<Four*>(sums[row])[0] = left;
    reinterpret_cast<Four*>(sums[row])[1] = right;
  }
  for (int lane = 0; lane < 32; lane++) {
    float* c = static_cast<float*>(warp.out[lane]);
    int g = lane / 4, t = lane % 4 * 2;
    c[0] += sums[g][t];
    c[1] += sums[g][t + 1];
    c[2] += sums[g + 8][t];
    c[3] += sums[g + 8][t + 1];
  }
}

/// To the neighbour whose last bit is set where the value lies between two: rounding again to fewer bits is then as if
/// there had been one rounding only.
static double addToOdd(double a, double b) {
  double sum = a + b;
  double part = sum - a;
  double lost = (a - (sum - part)) + (b - part);
  u64 bits;
  memcpy(&bits, &sum, sizeof bits);
  if (lost != 0 && (bits & 1) == 0 && isfinite(sum)) {
    bits += (lost > 0) == (sum > 0) ? 1 : -1;
    memcpy(&sum, &bits, sizeof sum);
  }
  return sum;
}

static float floatToOdd(double value) {
  float nearest = static_cast<float>(value);
  if (isinf(nearest) && isfinite(value)) {
    return nearest;
  }
  u32 bits = bitsOf(nearest);
  double back = nearest;
  if (back != value && (bits & 1) == 0 && isfinite(value)) {
    if (nearest == 0) {
      return floatOf(value < 0 ? 0x80000001u : 1u);
    }
    bits += (fabs(value) > fabs(back)) ? 1 : -1;
    nearest = floatOf(bits);
  }
  return nearest;
}

uint32_t fmaBf16(uint32_t a, uint32_t b, uint32_t c) {
  double product = static_cast<double>(lowFloat(a)) * lowFloat(b);
  return toBf16(floatToOdd(addToOdd(product, lowFloat(c)))).bits;
}

}  // namespace emulator

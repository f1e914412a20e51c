/// Each intrinsic against its plain definition.
#include <cmath>
#include <cstring>

#include "self-test.hpp"

namespace selftest {

namespace {

uint32_t bitsOf(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

float floatOf(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

float ofBf16(uint32_t bits) { return floatOf(bits << 16); }

/// The nearest of all bf16, by looking at the two around it; ties to the even one.
uint16_t nearestBf16(float value) {
  if (std::isnan(value)) {
    return 0x7fff;
  }
  uint32_t below = bitsOf(value) >> 16;  // towards zero
  double low = ofBf16(below);
  double high = (below & 0x7f80) == 0x7f80   ? low
                : (below & 0x7fff) == 0x7f7f ? std::copysign(std::ldexp(1.0, 128), value)
                                             : ofBf16(below + 1);
  double toLow = std::fabs(value - low), toHigh = std::fabs(high - value);
  bool up = toHigh < toLow || (toHigh == toLow && below % 2 == 1);
  return static_cast<uint16_t>(std::isinf(value) ? below : up ? below + 1 : below);
}

double ofE4m3(int code) {
  int exponent = code >> 3 & 15, fraction = code & 7;
  double magnitude = exponent == 0 ? std::ldexp(fraction, -9) : std::ldexp(8 + fraction, exponent - 10);
  return (code & 127) == 127 ? NAN : (code & 128) != 0 ? -magnitude : magnitude;
}

int nearestE4m3(float value) {
  if (std::isnan(value)) {
    return 0x7f;
  }
  int best = 0;
  for (int code = 0; code < 127; code++) {
    double distance = std::fabs(std::fabs(static_cast<double>(value)) - ofE4m3(code));
    double least = std::fabs(std::fabs(static_cast<double>(value)) - ofE4m3(best));
    if (distance < least || (distance == least && code % 2 == 0)) {
      best = code;
    }
  }
  if (std::isinf(value)) {
    best = 126;
  }
  return std::signbit(value) ? best | 128 : best;
}

void testMatrices(int schedule) {
  Machine machine(schedule, 5);
  std::vector<uint16_t> matrices(256);
  for (size_t i = 0; i < matrices.size(); i++) {
    matrices[i] = static_cast<uint16_t>(i * 3 + 1);
  }
  uint64_t plain = allocate(512), transposed = allocate(512);
  CHECK_EQUAL(0, machine.run("self_ldmatrix", 1, 32, 0, upload(matrices), plain, transposed));
  auto got = download<uint32_t>(plain, 128), turned = download<uint32_t>(transposed, 128);
  for (size_t lane = 0; lane < 32; lane++) {
    for (size_t m = 0; m < 4; m++) {
      auto element = [&](size_t row, size_t column) { return uint32_t{matrices[m * 64 + row * 8 + column]}; };
      size_t outer = lane / 4, inner = lane % 4 * 2;
      CHECK_EQUAL(element(outer, inner) | element(outer, inner + 1) << 16, got[lane * 4 + m]);
      CHECK_EQUAL(element(inner, outer) | element(inner + 1, outer) << 16, turned[lane * 4 + m]);
    }
  }
}

void testProducts(int schedule) {
  Machine machine(schedule, 6);
  auto a = numbers(256, 1), b = numbers(128, 2), c = numbers(128, 3);
  std::vector<uint16_t> left(256), right(128);
  for (size_t i = 0; i < left.size(); i++) {
    left[i] = nearestBf16(a[i]);
  }
  for (size_t i = 0; i < right.size(); i++) {
    right[i] = nearestBf16(b[i]);
  }
  uint64_t sums = upload(c);
  CHECK_EQUAL(0, machine.run("self_mma", 1, 32, 0, upload(left), upload(right), sums));
  auto got = download<float>(sums, 128);
  for (size_t row = 0; row < 16; row++) {
    for (size_t column = 0; column < 8; column++) {
      double expected = c[row * 8 + column];
      for (size_t k = 0; k < 16; k++) {
        expected += static_cast<double>(ofBf16(left[row * 16 + k])) * ofBf16(right[k * 8 + column]);
      }
      CHECK(std::fabs(expected - got[row * 8 + column]) < 2e-6);
    }
  }
}

template <class T>
void checkExchanges(const std::vector<T>& in, const std::vector<T>& out) {
  for (size_t lane = 0; lane < 32; lane++) {
    CHECK(in[lane ^ 5] == out[lane * 3]);
    CHECK(in[lane + 3 < 32 ? lane + 3 : lane] == out[lane * 3 + 1]);
    CHECK(in[lane * 7 % 32] == out[lane * 3 + 2]);
  }
}

void testExchanges(int schedule) {
  Machine machine(schedule, 7);
  auto floats = numbers(32, 4);
  std::vector<uint64_t> words(32);
  std::vector<double> doubles(32);
  std::vector<int> ints(32);
  uint32_t bits = 0;
  for (size_t i = 0; i < 32; i++) {
    words[i] = 0x123456789ull * (i + 1);
    doubles[i] = std::sqrt(static_cast<double>(i));
    ints[i] = static_cast<int>(i) - 16;
    bits |= ints[i] % 3 == 0 ? 1u << i : 0;
  }
  uint64_t f = allocate(96 * 4), w = allocate(96 * 8), d = allocate(96 * 8), n = allocate(96 * 4), ballots = allocate(128);
  CHECK_EQUAL(0, machine.run("self_shuffles", 1, 32, 0, upload(floats), f, upload(words), w, upload(doubles), d,
                             upload(ints), n, ballots));
  checkExchanges(floats, download<float>(f, 96));
  checkExchanges(words, download<uint64_t>(w, 96));
  checkExchanges(doubles, download<double>(d, 96));
  checkExchanges(ints, download<int>(n, 96));
  for (uint32_t ballot : download<uint32_t>(ballots, 32)) {
    CHECK_EQUAL(bits, ballot);
  }
}

void testCopies() {
  Machine machine;
  std::vector<uint32_t> source(12);
  for (size_t i = 0; i < 12; i++) {
    source[i] = static_cast<uint32_t>(i + 100);
  }
  uint64_t seen = allocate(36 * 4);
  CHECK_EQUAL(0, machine.run("self_copies", 1, 32, 32 * 48, upload(source), seen));
  auto got = download<uint32_t>(seen, 36);
  for (size_t i = 0; i < 12; i++) {
    uint32_t last = i >= 4 && i < 8 ? 0 : source[i];
    CHECK_EQUAL(0xffffffffu, got[i]);
    CHECK_EQUAL(i < 4 ? source[i] : 0xffffffffu, got[12 + i]);
    CHECK_EQUAL(last, got[24 + i]);
  }
}

/// All bf16 and what is just around the middle between each and the next.
void testBf16() {
  Machine machine;
  std::vector<float> values;
  for (uint32_t code = 0; code < 65536; code++) {
    for (uint32_t rest : {0u, 0x7fffu, 0x8000u, 0x8001u}) {
      values.push_back(floatOf(code << 16 | rest));
    }
  }
  uint64_t rounded = allocate(values.size() * 2), back = allocate(values.size() * 4);
  auto count = static_cast<long long>(values.size());
  CHECK_EQUAL(0, machine.run("self_bf16", 1024, 256, 0, upload(values), rounded, back, count));
  auto codes = download<uint16_t>(rounded, values.size());
  auto floats = download<float>(back, values.size());
  long wrong = 0;
  for (size_t i = 0; i < values.size(); i++) {
    wrong += codes[i] != nearestBf16(values[i]) || bitsOf(floats[i]) != uint32_t{codes[i]} << 16;
  }
  CHECK_EQUAL(0, wrong);
}

void testE4m3() {
  Machine machine;
  uint64_t table = allocate(256 * 4);
  CHECK_EQUAL(0, machine.run("self_e4m3_codes", 1, 256, 0, table));
  auto codes = download<float>(table, 256);
  for (int code = 0; code < 256; code++) {
    double expected = ofE4m3(code);
    CHECK(std::isnan(expected) ? std::isnan(codes[static_cast<size_t>(code)])
                               : expected == codes[static_cast<size_t>(code)] &&
                                     std::signbit(expected) == std::signbit(codes[static_cast<size_t>(code)]));
  }
  std::vector<float> values;
  for (uint32_t code = 0; code < 65536; code++) {
    values.push_back(ofBf16(code));
  }
  for (int code = 0; code < 126; code++) {  // the middles are no bf16, but floats
    auto middle = static_cast<float>((ofE4m3(code) + ofE4m3(code + 1)) / 2);
    for (float value : {middle, std::nextafterf(middle, 0), std::nextafterf(middle, 1000)}) {
      values.push_back(value);
      values.push_back(-value);
    }
  }
  values.resize(values.size() / 256 * 256);
  uint64_t rounded = allocate(values.size()), back = allocate(values.size() * 4);
  CHECK_EQUAL(0, machine.run("self_e4m3", static_cast<unsigned>(values.size() / 256), 256, 0, upload(values), rounded,
                             back, static_cast<long long>(values.size())));
  auto got = download<uint8_t>(rounded, values.size());
  long wrong = 0;
  for (size_t i = 0; i < values.size(); i++) {
    wrong += got[i] != nearestE4m3(values[i]);
  }
  CHECK_EQUAL(0, wrong);
}

/// a b + c, exact in a long double for the exponents that occur here.
uint16_t exactFma(uint16_t a, uint16_t b, uint16_t c) {
  long double exact = static_cast<long double>(ofBf16(a)) * ofBf16(b) + ofBf16(c);
  float near = static_cast<float>(exact);
  uint16_t best = nearestBf16(near);
  for (int step = -1; step <= 1; step++) {
    auto candidate = static_cast<uint16_t>(best + step);
    long double now = std::fabs(exact - ofBf16(best)), then = std::fabs(exact - ofBf16(candidate));
    if (then < now || (then == now && candidate % 2 == 0)) {
      best = candidate;
    }
  }
  return best;
}

void testFma() {
  Machine machine;
  std::vector<uint32_t> a, b, c, expected;
  auto add = [&](uint16_t x, uint16_t y, uint16_t z, uint16_t result) {
    a.push_back(x | 0x3f800000u);  // above: 1 * 1 + 1
    b.push_back(y | 0x3f800000u);
    c.push_back(z | 0x3f800000u);
    expected.push_back(result | 0x40000000u);
  };
  auto random = numbers(3 * 20000, 9);
  for (size_t i = 0; i < random.size(); i += 3) {
    auto scaled = [&](float value, int turn) { return std::ldexp(value, static_cast<int>((i / 3 + turn) % 9) - 4); };
    uint16_t x = nearestBf16(scaled(random[i], 0)), y = nearestBf16(scaled(random[i + 1], 3)),
             z = nearestBf16(scaled(random[i + 2], 5));
    if (x != 0 && y != 0 && z != 0) {
      add(x, y, z, exactFma(x, y, z));
    }
  }
  // Products just between two bf16: what is too small to be seen beside them decides.
  for (uint32_t m = 128; m < 256; m++) {
    for (uint32_t n = 128; n < 256; n += 3) {
      uint32_t product = m * n, unit = product < 32768 ? 128 : 256;
      if (product % unit != unit / 2) {
        continue;
      }
      auto code = [](uint32_t value) { return static_cast<uint16_t>(bitsOf(static_cast<float>(value)) >> 16); };
      float down = static_cast<float>(product - unit / 2), up = static_cast<float>(product + unit / 2);
      uint16_t tiny = nearestBf16(std::ldexp(1.0f, -100));
      add(code(m), code(n), tiny, nearestBf16(up));
      add(code(m), code(n), static_cast<uint16_t>(tiny | 0x8000), nearestBf16(down));
    }
  }
  auto count = static_cast<long long>(a.size());
  uint64_t results = allocate(a.size() * 4), halves = allocate(a.size() * 8);
  CHECK_EQUAL(0, machine.run("self_fma", static_cast<unsigned>((count + 255) / 256), 256, 0, upload(a), upload(b), upload(c),
                             results, halves, count));
  auto got = download<uint32_t>(results, a.size());
  auto parts = download<float>(halves, a.size() * 2);
  long wrong = 0;
  for (size_t i = 0; i < a.size(); i++) {
    wrong += got[i] != expected[i] || bitsOf(parts[i * 2]) != got[i] << 16 || parts[i * 2 + 1] != 2;
  }
  CHECK_EQUAL(0, wrong);
}

}  // namespace

void testIntrinsics() {
  for (int schedule : {IN_ORDER, RANDOM, WARP_GREEDY}) {
    testMatrices(schedule);
    testProducts(schedule);
    testExchanges(schedule);
  }
  testCopies();
}

void testConversions() {
  testBf16();
  testE4m3();
  testFma();
}

}  // namespace selftest

/// Planted errors: each is reported, or gives another result than the kernel that is right.
#include <cmath>
#include <cstring>
#include <sys/wait.h>
#include <unistd.h>

#include "self-test.hpp"

namespace selftest {

namespace {

constexpr int LAUNCH_FAILED = 719, ILLEGAL_ADDRESS = 700;
constexpr size_t TILES = 9;

std::vector<float> sumsOfTiles(const char* kernel, int schedule, uint64_t seed) {
  Machine machine(schedule, seed);
  uint64_t values = upload(numbers(TILES * 512, 3)), sums = allocate(512);
  int result = machine.run(kernel, 1, 128, 4096, values, sums, static_cast<int>(TILES));
  return result == 0 ? download<float>(sums, 128) : std::vector<float>();
}

std::vector<float> expectedSums() {
  auto values = numbers(TILES * 512, 3);
  std::vector<float> sums(128);
  for (size_t tile = 0; tile < TILES; tile++) {
    for (size_t t = 0; t < 128; t++) {
      sums[t] += values[(tile * 128 + (t + 37) % 128) * 4 + tile % 4];
    }
  }
  return sums;
}

bool sameBits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

void testTiles() {
  auto expected = expectedSums();
  for (uint64_t seed = 1; seed <= 5; seed++) {
    for (int schedule : {IN_ORDER, RANDOM, WARP_GREEDY}) {
      CHECK(sameBits(expected, sumsOfTiles("right_tiles", schedule, seed)));
      CHECK(!sameBits(expected, sumsOfTiles("planted_wait_count", schedule, seed)));
    }
    CHECK(!sameBits(expected, sumsOfTiles("planted_missing_barrier", WARP_GREEDY, seed)));
  }
}

void testAlignment() {
  for (int what = 0; what < 6; what++) {
    for (int offset : {0, 8}) {
      Machine machine;
      int result = machine.run("planted_misaligned", 1, 32, 1024, upload(std::vector<uint8_t>(1024)), allocate(1024), offset,
                               what);
      CHECK_EQUAL(offset == 0 && what < 5 ? 0 : LAUNCH_FAILED, result);
      if (result != 0) {
        CHECK_REPORTED(what < 5 ? "no multiple of 16" : "not in the shared memory");
        CHECK_REPORTED("planted.cu:");
        CHECK_REPORTED("kernel planted_misaligned, block (0, 0, 0), thread (0, 0, 0)");
      }
    }
  }
}

void testFreedMemory() {
  Machine machine;
  uint64_t kept = upload(numbers(32, 1)), freed = upload(numbers(32, 2)), target = allocate(256);
  CHECK_EQUAL(0, cuMemFree_v2(freed));
  CHECK_EQUAL(0, machine.run("planted_table", 1, 32, 0, upload(std::vector<uint64_t>{kept, kept}), target));
  CHECK_EQUAL(ILLEGAL_ADDRESS, machine.run("planted_table", 2, 32, 0, upload(std::vector<uint64_t>{kept, freed}), target));
  CHECK_REPORTED("freed memory of 128 bytes on device 0");
  // The context is of no use any more.
  size_t unused;
  CHECK_EQUAL(ILLEGAL_ADDRESS, cuMemGetInfo_v2(&unused, &unused));
  CHECK_EQUAL(ILLEGAL_ADDRESS, cuMemFree_v2(kept));
  CHECK_EQUAL(0, cuDevicePrimaryCtxRelease_v2(0));
  void* context;
  CHECK_EQUAL(0, cuDevicePrimaryCtxRetain(&context, 0));
  CHECK_EQUAL(0, cuCtxSetCurrent(context));
  CHECK_EQUAL(0, cuMemGetInfo_v2(&unused, &unused));
}

/// As an argument it is refused before the kernel runs.
void testFreedArgument() {
  Machine machine;
  uint64_t freed = allocate(128);
  CHECK_EQUAL(0, cuMemFree_v2(freed));
  CHECK_EQUAL(ILLEGAL_ADDRESS, machine.run("self_increment", 1, 32, 0, freed, allocate(128), 32ll));
  CHECK_REPORTED("argument 0 points to");
}

void testEnds() {
  for (long long offset : {0ll, 32ll, 64ll, 1000000000ll}) {
    Machine machine;
    uint64_t values = upload(numbers(60, 1)), target = allocate(128);
    int result = machine.run("planted_offset", 1, 32, 0, values, target, offset);
    CHECK_EQUAL(offset > 32 ? ILLEGAL_ADDRESS : 0, result);
    if (result == 0) {
      auto got = download<float>(target, 32);
      // Up to the next multiple of 256 bytes there is memory, of which nobody knows what it holds.
      CHECK(std::isnan(got[31]) == (offset == 32));
    }
  }
  {  // With smaller multiples, so does what reads just behind the end.
    Machine machine;
    emu_alignment(16);
    uint64_t values = upload(numbers(60, 1)), target = allocate(128);
    CHECK_EQUAL(0, machine.run("planted_offset", 1, 32, 0, values, target, 28ll));
    CHECK_EQUAL(ILLEGAL_ADDRESS, machine.run("planted_offset", 1, 32, 0, values, target, 29ll));
  }
  // What is written just behind the end is found when the memory is freed.
  Machine machine;
  uint64_t target = allocate(100);
  CHECK_EQUAL(0, machine.run("planted_offset", 1, 32, 0, target, target, -26ll));
  CHECK_EQUAL(ILLEGAL_ADDRESS, cuMemFree_v2(target));
  CHECK_REPORTED("wrote just before or behind the 100 bytes");
}

void testArguments() {
  Machine machine;
  uint64_t values = upload(numbers(32, 1)), target = allocate(128);
  CHECK_EQUAL(0, machine.run("self_increment", 1, 32, 0, values, target, 32ll));
  CHECK(download<float>(target, 32)[3] == numbers(32, 1)[3] + 1);
  // Source and target exchanged: another result.
  CHECK_EQUAL(0, machine.run("self_increment", 1, 32, 0, target, values, 32ll));
  CHECK(download<float>(values, 32)[3] == numbers(32, 1)[3] + 2);
  // A count where a pointer belongs.
  CHECK_EQUAL(ILLEGAL_ADDRESS, machine.run("self_increment", 1, 32, 0, values, 32ll, target));
  CHECK_REPORTED("argument 1 points to 0x20, which is no device memory");
}

void testRaceOfBlocks() {
  auto run = [](int schedule, uint64_t seed) {
    Machine machine(schedule, seed);
    uint64_t target = allocate(64);
    CHECK_EQUAL(0, machine.run("planted_race_of_blocks", 16, 32, 0, target));
    return download<float>(target, 16)[15];
  };
  CHECK(run(IN_ORDER, 1) == 16);
  for (uint64_t seed = 1; seed <= 5; seed++) {
    CHECK(std::isnan(run(RANDOM, seed)));
    CHECK(std::isnan(run(WARP_GREEDY, seed)));
  }
}

void testBarriers() {
  const char* reports[] = {"divergent barriers",  "deadlock of 127 of 128 threads", "while other lanes do so",
                           "deadlock of",         "without waiting for its cp.async", "another of the same thread"};
  for (int schedule : {IN_ORDER, RANDOM, WARP_GREEDY}) {
    for (int what = 0; what < 6; what++) {
      Machine machine(schedule, 3);
      CHECK_EQUAL(LAUNCH_FAILED, machine.run("planted_barriers", 1, 128, 2048, what, allocate(512)));
      CHECK_REPORTED(reports[what]);
      CHECK_REPORTED("planted.cu:");
    }
    Machine machine(schedule, 3);
    CHECK_EQUAL(0, machine.run("planted_barriers", 1, 128, 2048, 99, allocate(512)));
  }
}

void testFaults() {
  const char* reports[] = {"the end of its stack", "0xf, which is no device memory", "", "no device memory"};
  for (int what = 0; what < 4; what++) {
    Machine machine;
    CHECK_EQUAL(ILLEGAL_ADDRESS, machine.run("planted_faults", 1, 32, 128, what, allocate(128)));
    CHECK_REPORTED("kernel planted_faults");
    CHECK_REPORTED(reports[what]);
  }
}

/// Writes so near to shared memory that no page ends between are found when the block has ended.
void testEdgesOfSharedMemory() {
  for (int what : {4, 5}) {
    Machine machine;
    CHECK_EQUAL(LAUNCH_FAILED, machine.run("planted_faults", 1, 32, 100, what, allocate(128)));
    CHECK_REPORTED("before or behind its 100 bytes");
  }
}

/// Bounds of arrays are what AddressSanitizer is for: it ends the process, here a child.
void testBounds() {
#if defined(__SANITIZE_ADDRESS__)
  for (int what : {0, 1}) {
    for (int index : {what == 0 ? 7 : 31, what == 0 ? 8 : 32}) {
      fflush(stdout);
      pid_t child = fork();
      if (child == 0) {
        fclose(stderr);
        Machine machine;
        int result = machine.run("planted_bounds", 1, 32, 0, what, index, allocate(128));
        _exit(result);
      }
      int status = -1;
      CHECK_EQUAL(child, waitpid(child, &status, 0));
      CHECK_EQUAL(index % 8 == 7 ? 0 : 1, WEXITSTATUS(status));
    }
  }
#endif
}

}  // namespace

void testPlanted() {
  testEdgesOfSharedMemory();
  testBounds();
  testTiles();
  testAlignment();
  testFreedMemory();
  testFreedArgument();
  testEnds();
  testArguments();
  testRaceOfBlocks();
  testBarriers();
  testFaults();
}

}  // namespace selftest

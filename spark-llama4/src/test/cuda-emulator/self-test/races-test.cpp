/// The build that looks at each access: planted errors are found in the schedule that hides them best.
#include "self-test.hpp"

#if defined(EMULATOR_RACES)

namespace selftest {

namespace {

constexpr int LAUNCH_FAILED = 719;

int sumTiles(const char* kernel, int schedule, const char* reported) {
  Machine machine(schedule, 2);
  uint64_t values = upload(numbers(9 * 512, 3)), sums = allocate(512);
  int result = machine.run(kernel, 1, 128, 4096, values, sums, 9);
  if (result != 0) {
    CHECK_EQUAL(LAUNCH_FAILED, result);
    CHECK_REPORTED(std::string("kernel ") + kernel);
    CHECK_REPORTED(reported);
  }
  return result;
}

}  // namespace

void testRaces() {
  for (int schedule : {IN_ORDER, RANDOM, WARP_GREEDY}) {
    CHECK_EQUAL(0, sumTiles("right_tiles", schedule, ""));
    CHECK_EQUAL(LAUNCH_FAILED, sumTiles("planted_missing_barrier", schedule, "data race: "));
    CHECK_EQUAL(LAUNCH_FAILED, sumTiles("planted_wait_count", schedule, "planted.cu:"));
    Machine machine(schedule, 2);
    CHECK_EQUAL(LAUNCH_FAILED, machine.run("planted_race_of_blocks", 16, 32, 0, allocate(64)));
    CHECK_REPORTED("data race: ");
  }
  {
    Machine machine;
    CHECK_EQUAL(LAUNCH_FAILED, machine.run("self_order", 1, 32, 0, upload(std::vector<int>{0}), allocate(256)));
    CHECK_REPORTED("which thread 0 of block 0 wrote with no barrier between");
  }
  {  // shared memory that nobody wrote
    Machine machine;
    CHECK_EQUAL(LAUNCH_FAILED, machine.run("self_fresh", 1, 32, 128, allocate(8)));
    CHECK_REPORTED("that no thread of its block wrote");
  }
  for (long long offset : {28ll, 29ll, -31ll, -32ll}) {  // ends to the byte, of 60 and of 32 floats
    Machine machine;
    uint64_t values = upload(numbers(60, 1)), target = allocate(128);
    CHECK_EQUAL(offset == 28 || offset == -31 ? 0 : LAUNCH_FAILED,
                machine.run("planted_offset", 1, 32, 0, values, target, offset));
  }
  for (int what : {4, 5}) {
    Machine machine;
    CHECK_EQUAL(LAUNCH_FAILED, machine.run("planted_faults", 1, 32, 100, what, allocate(128)));
    CHECK_REPORTED("beside its shared memory");
  }
}

}  // namespace selftest

#endif

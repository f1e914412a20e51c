/// Recorded launches, run again: the way to run every kernel with AddressSanitizer, and in every schedule to the same bits.
#include "../recording.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <unistd.h>

#include "self-test.hpp"

namespace selftest {

namespace {

emulator::Replay replayFresh(const char* file, int schedule) {
  emu_reset();
  cuInit(0);
  emu_schedule(schedule, 11);
  return emulator::replay(file);
}

}  // namespace

int replayAll(int count, char** files) {
  int failures = 0;
  for (int i = 0; i < count; i++) {
    uint64_t expected = 0;
    for (int schedule : {IN_ORDER, RANDOM, WARP_GREEDY}) {
      emulator::Replay result = replayFresh(files[i], schedule);
      if (result.error.empty() && schedule != IN_ORDER && result.digest != expected) {
        result.error = "leaves other memory with schedule " + std::to_string(schedule) + " than in order";
      }
      expected = schedule == IN_ORDER ? result.digest : expected;
      if (!result.error.empty()) {
        printf("%s: %s\n", files[i], result.error.c_str());
        failures++;
        break;
      }
    }
  }
  printf("replayed launches: %d, %d failed\n", count, failures);
  return failures == 0 && count > 0 ? 0 : 1;
}

void testReplay() {
  char folder[] = "/tmp/emulated-launches-XXXXXX";
  CHECK(mkdtemp(folder) != nullptr);
  {
    Machine machine;
    emulator::recordTo(folder);
    uint64_t values = upload(numbers(9 * 512, 3)), sums = allocate(512);
    CHECK_EQUAL(0, machine.run("right_tiles", 1, 128, 4096, values, sums, 9));
    CHECK_EQUAL(0, machine.run("planted_missing_barrier", 1, 128, 4096, values, sums, 9));
    CHECK_EQUAL(0, machine.run("planted_race_of_blocks", 16, 32, 0, sums));
    emulator::recordTo("");
  }
  auto file = [&](const char* name) { return std::string(folder) + "/" + name + ".launch"; };
  std::string right = file("right_tiles-1x1x1-128x1x1-4096"), early = file("planted_missing_barrier-1x1x1-128x1x1-4096"),
              race = file("planted_race_of_blocks-16x1x1-32x1x1-0");
  uint64_t digest = replayFresh(right.c_str(), IN_ORDER).digest;
  for (int schedule : {IN_ORDER, RANDOM, WARP_GREEDY}) {
    emulator::Replay again = replayFresh(right.c_str(), schedule);
    CHECK(again.error.empty());
    CHECK(again.digest == digest);
  }
  CHECK(replayFresh(early.c_str(), WARP_GREEDY).digest != digest);
  CHECK(replayFresh(race.c_str(), IN_ORDER).digest != replayFresh(race.c_str(), RANDOM).digest);
  CHECK(replayFresh(folder, IN_ORDER).error == "is no recorded launch");
  for (const std::string& each : {right, early, race}) {
    CHECK_EQUAL(0, unlink(each.c_str()));
  }
  CHECK_EQUAL(0, rmdir(folder));
}

}  // namespace selftest

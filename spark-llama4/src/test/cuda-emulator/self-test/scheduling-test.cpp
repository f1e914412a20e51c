/// The order in which threads and blocks run, and what they find in shared memory.
#include <algorithm>
#include <set>

#include "self-test.hpp"

namespace selftest {

namespace {

std::vector<int> order(int schedule, uint64_t seed) {
  Machine machine(schedule, seed);
  uint64_t next = upload(std::vector<int>{0}), places = allocate(2 * 3 * 128 * 4);
  CHECK_EQUAL(0, machine.run("self_order", 3, 128, 0, next, places));
  return download<int>(places, 2 * 3 * 128);
}

/// How often the warp that runs changes.
int changesOfWarp(const std::vector<int>& order) {
  int changes = 0;
  for (size_t i = 1; i < order.size(); i++) {
    changes += order[i] / 1000 != order[i - 1] / 1000 || order[i] % 1000 / 32 != order[i - 1] % 1000 / 32;
  }
  return changes;
}

void testOrders() {
  auto plain = order(IN_ORDER, 1);
  for (int i = 0; i < 32; i++) {
    CHECK_EQUAL(i, plain[static_cast<size_t>(i)]);
  }
  CHECK_EQUAL(2000 + 127, *std::max_element(plain.begin(), plain.end()));
  CHECK(std::is_sorted(plain.begin(), plain.end(), [](int a, int b) { return a / 1000 < b / 1000; }));
  CHECK(plain == order(IN_ORDER, 2));
  CHECK_EQUAL(3 * 4 - 1, changesOfWarp(order(WARP_GREEDY, 4)));
  CHECK(changesOfWarp(order(RANDOM, 4)) > 200);
  for (int schedule : {RANDOM, WARP_GREEDY}) {
    std::set<std::vector<int>> different;
    for (uint64_t seed = 1; seed <= 6; seed++) {
      CHECK(order(schedule, seed) == order(schedule, seed));
      different.insert(order(schedule, seed));
    }
    CHECK_EQUAL(6, different.size());
  }
  for (int schedule : {IN_ORDER, RANDOM, WARP_GREEDY}) {  // All run, twice.
    auto all = order(schedule, 9);
    std::sort(all.begin(), all.end());
    for (size_t i = 0; i < all.size(); i++) {
      CHECK_EQUAL(static_cast<int>(i / 256 * 1000 + i % 256 / 2), all[i]);
    }
  }
}

void testFreshSharedMemory() {
  Machine machine;
  uint64_t places = allocate(3 * 8);
  CHECK_EQUAL(0, machine.run("self_fresh", 3, 32, 128, places));
  auto found = download<uint32_t>(places, 6);
  for (size_t block = 0; block < 3; block++) {
    CHECK_EQUAL(0xffffffffu, found[block * 2]);
#if !defined(__SANITIZE_ADDRESS__)
    CHECK_EQUAL(0xffffffffu, found[block * 2 + 1]);
#endif
  }
}

void testParameters() {
  Machine machine;
  struct {
    float a;
    long long b;
  } pair{0.5f, 7};
  uint64_t target = allocate(40);
  CHECK_EQUAL(0, machine.run("self_parameters", 1, 1, 0, static_cast<unsigned char>(200), -5ll, 1.5f, pair,
                             static_cast<unsigned short>(9), target));
  CHECK((download<double>(target, 5) == std::vector<double>{200, -5, 1.5, 7.5, 9}));
  const size_t expected[][2] = {{0, 1}, {8, 8}, {16, 4}, {24, 16}, {40, 2}, {48, 8}};
  size_t offset, size;
  for (size_t i = 0; i < 6; i++) {
    CHECK_EQUAL(0, cuFuncGetParamInfo(machine.function("self_parameters"), i, &offset, &size));
    CHECK_EQUAL(expected[i][0], offset);
    CHECK_EQUAL(expected[i][1], size);
  }
  CHECK_EQUAL(1, cuFuncGetParamInfo(machine.function("self_parameters"), 6, &offset, &size));
}

void testLaunchLimits() {
  Machine machine;
  uint64_t target = allocate(40);
  auto launch = [&](unsigned x, unsigned y, unsigned z, unsigned threads, unsigned shared) {
    int products = 1;
    void* arguments[] = {&target, &products};
    return cuLaunchKernel(machine.function("self_speed"), x, y, z, threads, 1, 1, shared, nullptr, arguments, nullptr);
  };
  CHECK_EQUAL(1, launch(0, 1, 1, 32, 0));
  CHECK_EQUAL(1, launch(1, 1, 1, 0, 0));
  CHECK_EQUAL(1, launch(1, 65536, 1, 32, 0));
  CHECK_EQUAL(1, launch(1, 1, 65536, 32, 0));
  CHECK_EQUAL(1, launch(1, 1, 1, 129, 0));  // its __launch_bounds__
  CHECK_REPORTED("a block of it may have 128");
  CHECK_EQUAL(1, launch(1, 1, 1, 32, 49153));
  CHECK_EQUAL(1, cuFuncSetAttribute(machine.function("self_speed"), 8, 227 * 1024 + 1));
  CHECK_EQUAL(0, cuFuncSetAttribute(machine.function("self_speed"), 8, 227 * 1024));
  CHECK_EQUAL(0, launch(1, 1, 1, 32, 227 * 1024));
  CHECK_EQUAL(1, cuLaunchKernel(machine.function("self_speed"), 1, 1, 1, 32, 1, 1, 0, nullptr, nullptr, nullptr));
  CHECK_EQUAL(400, cuLaunchKernel(nullptr, 1, 1, 1, 32, 1, 1, 0, nullptr, nullptr, nullptr));
  void* function;
  void* module;
  CHECK_EQUAL(0, cuModuleLoadData(&module, "emulated"));
  CHECK_EQUAL(500, cuModuleGetFunction(&function, module, "no_such_kernel"));
  CHECK_EQUAL(200, cuModuleLoadData(&module, "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\3\0\76\0"));
  CHECK_EQUAL(0, cuCtxSynchronize());
}

}  // namespace

void testScheduling() {
  testOrders();
  testFreshSharedMemory();
  testParameters();
  testLaunchLimits();
}

}  // namespace selftest

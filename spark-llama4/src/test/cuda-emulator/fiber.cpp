#include "fiber.hpp"

#include <cstdint>
#include <cstring>

namespace emulator {
namespace {

void* placeToStart(char* stack, size_t bytes, void (*entry)());
void jump(void** from, void* to);

}  // namespace
}  // namespace emulator

#if defined(__x86_64__)

// The registers that a called function must keep go on the old stack and come from the new one.
asm(R"(
.text
.hidden emulatorSwitch
.globl emulatorSwitch
.type emulatorSwitch, @function
emulatorSwitch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size emulatorSwitch, .-emulatorSwitch
)");
extern "C" void emulatorSwitch(void** from, void* to);

namespace emulator {
namespace {

void jump(void** from, void* to) { emulatorSwitch(from, to); }

void* placeToStart(char* stack, size_t bytes, void (*entry)()) {
  auto top = reinterpret_cast<uintptr_t>(stack + bytes) & ~uintptr_t{15};
  auto words = reinterpret_cast<void**>(top);
  *--words = nullptr;  // A return address for `entry`, which also leaves the stack as a call would.
  *--words = reinterpret_cast<void*>(entry);
  for (int saved = 0; saved < 6; saved++) {
    *--words = nullptr;
  }
  return words;
}

}  // namespace
}  // namespace emulator

#elif defined(__aarch64__)

asm(R"(
.text
.hidden emulatorSwitch
.globl emulatorSwitch
.type emulatorSwitch, %function
emulatorSwitch:
  sub sp, sp, #160
  stp x19, x20, [sp, #0]
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x9, sp
  str x9, [x0]
  mov sp, x1
  ldp x19, x20, [sp, #0]
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  add sp, sp, #160
  ret
.size emulatorSwitch, .-emulatorSwitch
)");
extern "C" void emulatorSwitch(void** from, void* to);

namespace emulator {
namespace {

void jump(void** from, void* to) { emulatorSwitch(from, to); }

void* placeToStart(char* stack, size_t bytes, void (*entry)()) {
  auto top = reinterpret_cast<uintptr_t>(stack + bytes) & ~uintptr_t{15};
  auto words = reinterpret_cast<void**>(top) - 20;
  memset(words, 0, 20 * sizeof(void*));
  words[11] = reinterpret_cast<void*>(entry);  // x30, where `ret` goes
  return words;
}

}  // namespace
}  // namespace emulator

#else

#include <ucontext.h>

#include <map>

namespace emulator {
namespace {

// Slower by a system call for each switch, for whatever processor is not known above.
void jump(void** from, void* to) {
  ucontext_t here;
  *from = &here;
  swapcontext(&here, static_cast<ucontext_t*>(to));
}

void* placeToStart(char* stack, size_t bytes, void (*entry)()) {
  static std::map<char*, ucontext_t> contexts;
  ucontext_t& context = contexts[stack];
  getcontext(&context);
  context.uc_stack.ss_sp = stack;
  context.uc_stack.ss_size = bytes;
  context.uc_link = nullptr;
  makecontext(&context, entry, 0);
  return &context;
}

}  // namespace
}  // namespace emulator

#endif

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace emulator {

#if defined(__SANITIZE_ADDRESS__)

void switchFiber(Fiber& from, Fiber& to) {
  __sanitizer_start_switch_fiber(&from.fakeStack, to.stack, to.stackBytes);
  jump(&from.stackPointer, to.stackPointer);
  __sanitizer_finish_switch_fiber(from.fakeStack, nullptr, nullptr);
}

void startFiber(Fiber& fiber, void (*entry)()) {
  __asan_unpoison_memory_region(fiber.stack, fiber.stackBytes);
  fiber.stackPointer = placeToStart(fiber.stack, fiber.stackBytes, entry);
}

void fiberBegins() { __sanitizer_finish_switch_fiber(nullptr, nullptr, nullptr); }

void fiberIs(Fiber& fiber) {
  __sanitizer_start_switch_fiber(nullptr, fiber.stack, fiber.stackBytes);
  __sanitizer_finish_switch_fiber(nullptr, nullptr, nullptr);
}

#else

void switchFiber(Fiber& from, Fiber& to) { jump(&from.stackPointer, to.stackPointer); }

void startFiber(Fiber& fiber, void (*entry)()) {
  fiber.stackPointer = placeToStart(fiber.stack, fiber.stackBytes, entry);
}

void fiberBegins() {}
void fiberIs(Fiber&) {}

#endif

}  // namespace emulator

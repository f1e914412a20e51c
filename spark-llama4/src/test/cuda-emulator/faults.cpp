#include "faults.hpp"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <atomic>
#include <cstdio>

#include "memory.hpp"
#include "scheduler.hpp"

extern "C" __attribute__((visibility("hidden"))) const char __ehdr_start;
extern "C" __attribute__((visibility("hidden"))) const char etext;

namespace emulator {

Fault lastFault;
sigjmp_buf* activeGuard;

namespace {

constexpr int SIGNALS[] = {SIGSEGV, SIGBUS, SIGFPE};
struct sigaction previous[3];
pthread_t guardedThread;
std::atomic<bool> guarding{false};
stack_t oldStack;

/// The handler runs here: fibers have no room for it, and none at all where they overflowed.
constexpr size_t HANDLER_STACK = 256 * 1024;
char* handlerStack;

uintptr_t instructionOf(void* context) {
  auto* registers = &static_cast<ucontext_t*>(context)->uc_mcontext;
#if defined(__x86_64__)
  return static_cast<uintptr_t>(registers->gregs[REG_RIP]);
#elif defined(__aarch64__)
  return registers->pc;
#else
  return 0;
#endif
}

bool ours(uintptr_t address, uintptr_t instruction) {
  if (!guarding.load() || !pthread_equal(guardedThread, pthread_self())) {
    return false;
  }
  auto start = reinterpret_cast<uintptr_t>(&__ehdr_start);
  auto end = reinterpret_cast<uintptr_t>(&etext);
  return (instruction >= start && instruction < end) || reservedAddress(address) ||
         isThreadStack(address) || address < 65536;
}

void forward(int signal, siginfo_t* info, void* context) {
  int index = signal == SIGSEGV ? 0 : signal == SIGBUS ? 1 : 2;
  const struct sigaction& next = previous[index];
  if ((next.sa_flags & SA_SIGINFO) != 0) {
    next.sa_sigaction(signal, info, context);
  } else if (next.sa_handler == SIG_DFL || next.sa_handler == SIG_IGN) {
    sigaction(signal, &next, nullptr);  // The instruction runs again, and does what it would have done without us.
  } else {
    next.sa_handler(signal);
  }
}

void handle(int signal, siginfo_t* info, void* context) {
  auto address = reinterpret_cast<uintptr_t>(info->si_addr);
  uintptr_t instruction = instructionOf(context);
  if (!ours(address, instruction)) {
    if (reservedAddress(address)) {
      fprintf(stderr, "emulated CUDA: the host touched %s\n", describeAddress(address));
    }
    forward(signal, info, context);
    return;
  }
  if (reveal(address)) {
    return;  // to the same instruction
  }
  lastFault = {signal, address, instruction - reinterpret_cast<uintptr_t>(&__ehdr_start)};
  siglongjmp(*activeGuard, 1);
}

}  // namespace

uintptr_t offsetInLibrary(const void* instruction) {
  return reinterpret_cast<uintptr_t>(instruction) - reinterpret_cast<uintptr_t>(&__ehdr_start);
}

void installFaultHandler() {
  static bool installed = false;
  if (installed) {
    return;
  }
  installed = true;
  handlerStack = static_cast<char*>(
      mmap(nullptr, HANDLER_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  for (int i = 0; i < 3; i++) {
    sigaction(SIGNALS[i], nullptr, &previous[i]);
    struct sigaction action = {};
    action.sa_sigaction = handle;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
    action.sa_mask = previous[i].sa_mask;
    sigaction(SIGNALS[i], &action, nullptr);
  }
}

void enterGuard(sigjmp_buf* guard) {
  stack_t stack = {};
  stack.ss_sp = handlerStack;
  stack.ss_size = HANDLER_STACK;
  sigaltstack(&stack, &oldStack);
  activeGuard = guard;
  guardedThread = pthread_self();
  guarding.store(true);
}

void leaveGuard() {
  guarding.store(false);
  activeGuard = nullptr;
  sigaltstack(&oldStack, nullptr);
}

}  // namespace emulator

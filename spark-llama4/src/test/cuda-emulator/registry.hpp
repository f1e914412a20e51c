/// The table of kernels, filled when the library is loaded by what EXPORT_KERNEL leaves after each of them.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace emulator {

struct Parameter {
  size_t offset, size;
  bool pointer;
};

struct Kernel {
  const char* name;
  void (*function)();
  void (*invoke)(const Kernel& kernel, const char* arguments);
  std::vector<Parameter> parameters;
  size_t argumentBytes;
  unsigned mostThreads;
};

std::map<std::string, Kernel>& kernels();

/// `__launch_bounds__` of the kernel whose EXPORT_KERNEL comes next in the same file; 0: none was given.
extern unsigned nextLaunchBound;

struct LaunchBound {
  explicit LaunchBound(unsigned threads) { nextLaunchBound = threads; }
};

template <class... A>
struct Signature {
  template <size_t... I>
  static void call(const Kernel& kernel, const char* arguments, std::index_sequence<I...>) {
    auto function = reinterpret_cast<void (*)(A...)>(kernel.function);
    function(*reinterpret_cast<const std::remove_reference_t<A>*>(arguments + kernel.parameters[I].offset)...);
  }

  static void invoke(const Kernel& kernel, const char* arguments) {
    call(kernel, arguments, std::index_sequence_for<A...>{});
  }
};

/// Where parameters lie: one after the other, each at a multiple of its alignment.
struct Parameters {
  std::vector<Parameter> list;
  size_t bytes = 0;

  void add(size_t size, size_t alignment, bool pointer) {
    size_t offset = (bytes + alignment - 1) / alignment * alignment;
    list.push_back({offset, size, pointer});
    bytes = offset + size;
  }
};

template <class... A>
int registerKernel(const char* name, void (*function)(A...)) {
  static_assert((std::is_trivially_copyable_v<A> && ...), "parameters of kernels are copied as bytes");
  Parameters parameters;
  (parameters.add(sizeof(A), alignof(A), std::is_pointer_v<A>), ...);
  kernels()[name] = Kernel{name,
                           reinterpret_cast<void (*)()>(function),
                           &Signature<A...>::invoke,
                           parameters.list,
                           parameters.bytes,
                           nextLaunchBound == 0 ? 1024 : nextLaunchBound};
  nextLaunchBound = 0;
  return 0;
}

}  // namespace emulator

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
  void (*invoke)(void (*function)(), const char* arguments);
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
  static void call(void (*function)(A...), const char* arguments, const std::vector<Parameter>& parameters,
                   std::index_sequence<I...>) {
    function(*reinterpret_cast<const std::remove_reference_t<A>*>(arguments + parameters[I].offset)...);
  }

  static const std::vector<Parameter>& parameters() {
    static const std::vector<Parameter> all = [] {
      std::vector<Parameter> list;
      size_t offset = 0;
      auto add = [&](size_t size, size_t alignment, bool pointer) {
        offset = (offset + alignment - 1) / alignment * alignment;
        list.push_back({offset, size, pointer});
        offset += size;
      };
      (add(sizeof(A), alignof(A), std::is_pointer_v<A>), ...);
      return list;
    }();
    return all;
  }

  static void invoke(void (*function)(), const char* arguments) {
    call(reinterpret_cast<void (*)(A...)>(function), arguments, parameters(), std::index_sequence_for<A...>{});
  }
};

template <class... A>
int registerKernel(const char* name, void (*function)(A...)) {
  static_assert((std::is_trivially_copyable_v<A> && ...), "parameters of kernels are copied as bytes");
  const auto& parameters = Signature<A...>::parameters();
  size_t bytes = parameters.empty() ? 0 : parameters.back().offset + parameters.back().size;
  kernels()[name] = Kernel{name,       reinterpret_cast<void (*)()>(function), &Signature<A...>::invoke, parameters, bytes,
                           nextLaunchBound == 0 ? 1024 : nextLaunchBound};
  nextLaunchBound = 0;
  return 0;
}

}  // namespace emulator

/// Entry points: modules, functions and launches.
#include <cstring>

#include "report.hpp"
#include "streams.hpp"

using namespace emulator;

namespace {

constexpr int ATTRIBUTE_MOST_DYNAMIC_SHARED = 8;

unsigned optInShared() { return (state().settings.computeCapability >= 90 ? 227 : 163) * 1024; }

/// Why a GPU would not start the launch, or 0.
int refusal(const Function& function, const Dim3& grid, const Dim3& block, unsigned shared) {
  const Kernel& kernel = *function.kernel;
  if (grid.x == 0 || grid.y == 0 || grid.z == 0 || block.x == 0 || block.y == 0 || block.z == 0) {
    report("kernel %s: a grid of %u x %u x %u blocks of %u x %u x %u threads is empty", kernel.name, grid.x, grid.y,
           grid.z, block.x, block.y, block.z);
    return INVALID_VALUE;
  }
  if (grid.x > 2147483647u || grid.y > 65535 || grid.z > 65535 || block.x > 1024 || block.y > 1024 || block.z > 64 ||
      block.count() > kernel.mostThreads) {
    report("kernel %s: %u x %u x %u blocks of %u x %u x %u threads; a block of it may have %u", kernel.name, grid.x,
           grid.y, grid.z, block.x, block.y, block.z, kernel.mostThreads);
    return INVALID_VALUE;
  }
  if (shared > function.mostDynamicShared) {
    report("kernel %s: %u bytes of dynamic shared memory; it may have %u", kernel.name, shared,
           function.mostDynamicShared);
    return INVALID_VALUE;
  }
  return SUCCESS;
}

/// False for what is built for another kind of processor. Otherwise an image is not read: the emulator's kernels are those
/// of its library.
bool looksLikeImage(const void* image) {
  constexpr unsigned char CUDA_MACHINE = 190;
  auto bytes = static_cast<const unsigned char*>(image);
  return strncmp(reinterpret_cast<const char*>(bytes), "\177ELF", 4) != 0 || bytes[18] == CUDA_MACHINE;
}

}  // namespace

EMULATOR_EXPORT int cuModuleLoadData(void** module, const void* image) {
  ENTRY_IN_CONTEXT();
  if (Graph* capture = forbiddingCapture()) {
    return refuseInCapture(*capture);
  }
  if (module == nullptr || image == nullptr) {
    return INVALID_VALUE;
  }
  if (!looksLikeImage(image)) {
    return INVALID_IMAGE;
  }
  *module = asHandle(create<Module>(context)->handle);
  return SUCCESS;
}

EMULATOR_EXPORT int cuModuleUnload(void* handle) {
  ENTRY_IN_CONTEXT();
  if (Graph* capture = forbiddingCapture()) {
    return refuseInCapture(*capture);
  }
  auto module = find<Module>(handle);
  if (module == nullptr) {
    return INVALID_HANDLE;
  }
  auto& objects = state().objects;
  for (auto each = objects.begin(); each != objects.end();) {
    auto function = dynamic_cast<Function*>(each->second.get());
    each = function != nullptr && function->module == module ? objects.erase(each) : std::next(each);
  }
  objects.erase(module->handle);
  return SUCCESS;
}

EMULATOR_EXPORT int cuModuleGetFunction(void** function, void* handle, const char* name) {
  ENTRY_IN_CONTEXT();
  if (function == nullptr || name == nullptr) {
    return INVALID_VALUE;
  }
  auto module = find<Module>(handle);
  if (module == nullptr) {
    return INVALID_HANDLE;
  }
  auto found = kernels().find(name);
  if (found == kernels().end()) {
    return NOT_FOUND;
  }
  for (auto& [number, object] : state().objects) {
    auto known = dynamic_cast<Function*>(object.get());
    if (known != nullptr && known->module == module && known->kernel == &found->second) {
      *function = asHandle(number);
      return SUCCESS;
    }
  }
  auto made = create<Function>(module->context);
  made->kernel = &found->second;
  made->module = module;
  *function = asHandle(made->handle);
  return SUCCESS;
}

EMULATOR_EXPORT int cuFuncSetAttribute(void* handle, int attribute, int value) {
  ENTRY_IN_CONTEXT();
  auto function = find<Function>(handle);
  if (function == nullptr) {
    return INVALID_HANDLE;
  }
  if (attribute == ATTRIBUTE_MOST_DYNAMIC_SHARED) {
    if (value < 0 || static_cast<unsigned>(value) > optInShared()) {
      report("kernel %s: %d bytes of dynamic shared memory asked for; the device has %u", function->kernel->name, value,
             optInShared());
      return INVALID_VALUE;
    }
    function->mostDynamicShared = static_cast<unsigned>(value);
    return SUCCESS;
  }
  return attribute == 9 && value >= -1 && value <= 100 ? SUCCESS : INVALID_VALUE;
}

EMULATOR_EXPORT int cuFuncGetAttribute(int* value, int attribute, void* handle) {
  ENTRY_IN_CONTEXT();
  auto function = find<Function>(handle);
  if (function == nullptr) {
    return INVALID_HANDLE;
  }
  if (value == nullptr) {
    return INVALID_VALUE;
  }
  switch (attribute) {
    case 0:
      *value = static_cast<int>(function->kernel->mostThreads);
      return SUCCESS;
    case 1:  // static shared memory
    case 2:  // constant memory
    case 3:  // local memory
      *value = 0;
      return SUCCESS;
    case 4:  // registers
      *value = 64;
      return SUCCESS;
    case 5:
    case 6:
      *value = state().settings.computeCapability;
      return SUCCESS;
    case ATTRIBUTE_MOST_DYNAMIC_SHARED:
      *value = static_cast<int>(function->mostDynamicShared);
      return SUCCESS;
    default:
      return INVALID_VALUE;
  }
}

EMULATOR_EXPORT int cuFuncGetParamInfo(void* handle, size_t index, size_t* offset, size_t* size) {
  ENTRY_IN_CONTEXT();
  auto function = find<Function>(handle);
  if (function == nullptr) {
    return INVALID_HANDLE;
  }
  const auto& parameters = function->kernel->parameters;
  if (offset == nullptr || index >= parameters.size()) {
    return INVALID_VALUE;
  }
  *offset = parameters[index].offset;
  if (size != nullptr) {
    *size = parameters[index].size;
  }
  return SUCCESS;
}

EMULATOR_EXPORT int cuLaunchKernel(void* handle, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX,
                                   unsigned blockY, unsigned blockZ, unsigned shared, void* streamHandle,
                                   void** arguments, void** extra) {
  ENTRY_IN_CONTEXT();
  auto function = find<Function>(handle);
  auto stream = streamOf(streamHandle, context);
  if (function == nullptr || stream == nullptr || function->context != context || stream->context != context) {
    return INVALID_HANDLE;
  }
  const Kernel& kernel = *function->kernel;
  if (extra != nullptr || (arguments == nullptr && !kernel.parameters.empty()) || kernel.argumentBytes > 4096) {
    return INVALID_VALUE;
  }
  Work work;
  work.kind = Work::KERNEL;
  work.function = function;
  work.grid = {gridX, gridY, gridZ};
  work.block = {blockX, blockY, blockZ};
  work.sharedBytes = shared;
  if (int refused = refusal(*function, work.grid, work.block, shared)) {
    return refused;
  }
  work.arguments.resize(kernel.argumentBytes);
  for (size_t i = 0; i < kernel.parameters.size(); i++) {
    if (arguments[i] == nullptr) {
      return INVALID_VALUE;
    }
    memcpy(work.arguments.data() + kernel.parameters[i].offset, arguments[i], kernel.parameters[i].size);
  }
  return enqueue(stream, std::move(work));
}

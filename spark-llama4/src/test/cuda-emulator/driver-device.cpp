/// Entry points: devices and contexts.
#include <cstdio>
#include <cstring>

#include "faults.hpp"
#include "memory.hpp"
#include "streams.hpp"

using namespace emulator;

namespace {

bool isDevice(int device) { return device >= 0 && static_cast<size_t>(device) < state().visible.size(); }

/// CUdevice_attribute, and what a card of the emulated compute capability says.
int attribute(int which, int device) {
  const Settings& settings = state().settings;
  bool large = settings.computeCapability >= 90;
  switch (which) {
    case 1:  // threads of a block
    case 2:  // along x
    case 3:  // along y
      return 1024;
    case 4:
      return 64;
    case 5:  // blocks of a grid along x
      return 2147483647;
    case 6:
    case 7:
      return 65535;
    case 8:  // shared memory of a block
      return 48 * 1024;
    case 10:
      return 32;
    case 12:
      return 65536;
    case 16:
      return settings.multiprocessors;
    case 19:  // can map host memory
    case 31:  // concurrent kernels
    case 41:  // unified addresses
      return 1;
    case 33:  // PCI bus
      return device + 1;
    case 36:  // memory clock, kHz
      return 2619000;
    case 37:  // memory bus, bits
      return 5120;
    case 38:  // second-level cache
      return 50 * 1024 * 1024;
    case 39:
      return 2048;
    case 40:  // copy engines
      return 2;
    case 13:  // clock, kHz
      return 1980000;
    case 75:
      return settings.computeCapability / 10;
    case 76:
      return settings.computeCapability % 10;
    case 81:  // shared memory of a multiprocessor
      return (large ? 228 : 164) * 1024;
    case 97:  // shared memory that a block may ask for
      return (large ? 227 : 163) * 1024;
    case 106:
      return 32;
    case 111:
      return 1024;
    default:
      return 0;
  }
}

}  // namespace

EMULATOR_EXPORT int cuInit(unsigned flags) {
  ENTRY();
  if (flags != 0) {
    return INVALID_VALUE;
  }
  if (!state().hasDevices) {
    applySettings();
  }
  if (state().visible.empty()) {
    return NO_DEVICE;
  }
  installFaultHandler();
  state().initialized = true;
  return SUCCESS;
}

EMULATOR_EXPORT int cuDriverGetVersion(int* version) {
  ENTRY();
  if (version == nullptr) {
    return INVALID_VALUE;
  }
  *version = state().settings.driverVersion;
  return SUCCESS;
}

EMULATOR_EXPORT int cuDeviceGetCount(int* count) {
  ENTRY();
  if (!state().initialized) {
    return NOT_INITIALIZED;
  }
  if (count == nullptr) {
    return INVALID_VALUE;
  }
  *count = static_cast<int>(state().visible.size());
  return SUCCESS;
}

EMULATOR_EXPORT int cuDeviceGet(int* device, int ordinal) {
  ENTRY();
  if (!state().initialized) {
    return NOT_INITIALIZED;
  }
  if (device == nullptr) {
    return INVALID_VALUE;
  }
  if (!isDevice(ordinal)) {
    return INVALID_DEVICE;
  }
  *device = ordinal;
  return SUCCESS;
}

EMULATOR_EXPORT int cuDeviceGetName(char* name, int length, int device) {
  ENTRY();
  if (!isDevice(device)) {
    return INVALID_DEVICE;
  }
  if (name == nullptr || length <= 0) {
    return INVALID_VALUE;
  }
  snprintf(name, static_cast<size_t>(length), "Emulated device %d", state().visible[static_cast<size_t>(device)]);
  return SUCCESS;
}

EMULATOR_EXPORT int cuDeviceGetUuid_v2(unsigned char* uuid, int device) {
  ENTRY();
  if (!isDevice(device)) {
    return INVALID_DEVICE;
  }
  if (uuid == nullptr) {
    return INVALID_VALUE;
  }
  uuidOf(state().visible[static_cast<size_t>(device)], uuid);
  return SUCCESS;
}

EMULATOR_EXPORT int cuDeviceGetAttribute(int* value, int which, int device) {
  ENTRY();
  if (!isDevice(device)) {
    return INVALID_DEVICE;
  }
  if (value == nullptr || which <= 0 || which > 150) {
    return INVALID_VALUE;
  }
  *value = attribute(which, state().visible[static_cast<size_t>(device)]);
  return SUCCESS;
}

EMULATOR_EXPORT int cuDeviceTotalMem_v2(size_t* bytes, int device) {
  ENTRY();
  if (!isDevice(device)) {
    return INVALID_DEVICE;
  }
  if (bytes == nullptr) {
    return INVALID_VALUE;
  }
  *bytes = state().settings.memory;
  return SUCCESS;
}

EMULATOR_EXPORT int cuDevicePrimaryCtxRetain(void** context, int device) {
  ENTRY();
  if (!state().initialized) {
    return NOT_INITIALIZED;
  }
  if (!isDevice(device)) {
    return INVALID_DEVICE;
  }
  if (context == nullptr) {
    return INVALID_VALUE;
  }
  auto& primary = state().devices[static_cast<size_t>(device)].primary;
  if (primary == nullptr) {
    primary = std::make_unique<Context>();
    primary->device = device;
    primary->handle = state().nextHandle += 0x10;
    primary->defaultStream = std::make_shared<Stream>();
    primary->defaultStream->context = primary.get();
    primary->defaultStream->isDefault = true;
    primary->streams.push_back(primary->defaultStream);
    state().contexts[primary->handle] = primary.get();
  }
  primary->retained++;
  *context = asHandle(primary->handle);
  return SUCCESS;
}

EMULATOR_EXPORT int cuDevicePrimaryCtxRelease_v2(int device) {
  ENTRY();
  if (!isDevice(device)) {
    return INVALID_DEVICE;
  }
  auto& primary = state().devices[static_cast<size_t>(device)].primary;
  if (primary == nullptr) {
    return INVALID_CONTEXT;
  }
  if (--primary->retained == 0) {
    runAll(*primary);
    destroyContext(*primary);
  }
  return SUCCESS;
}

EMULATOR_EXPORT int cuCtxSetCurrent(void* context) {
  ENTRY();
  if (!state().initialized) {
    return NOT_INITIALIZED;
  }
  auto handle = reinterpret_cast<uint64_t>(context);
  if (handle != 0 && state().contexts.count(handle) == 0) {
    return INVALID_CONTEXT;
  }
  setCurrentContext(handle);
  return SUCCESS;
}

EMULATOR_EXPORT int cuCtxSynchronize() {
  ENTRY_IN_CONTEXT();
  if (Graph* capture = forbiddingCapture()) {
    return refuseInCapture(*capture);
  }
  runAll(*context);
  return context->error;
}

EMULATOR_EXPORT int cuDeviceCanAccessPeer(int* can, int device, int peer) {
  ENTRY();
  if (!isDevice(device) || !isDevice(peer)) {
    return INVALID_DEVICE;
  }
  if (can == nullptr) {
    return INVALID_VALUE;
  }
  *can = device != peer;
  return SUCCESS;
}

EMULATOR_EXPORT int cuCtxEnablePeerAccess(void* peerContext, unsigned flags) {
  ENTRY_IN_CONTEXT();
  auto found = state().contexts.find(reinterpret_cast<uint64_t>(peerContext));
  if (found == state().contexts.end() || found->second == context) {
    return INVALID_CONTEXT;
  }
  if (flags != 0) {
    return INVALID_VALUE;
  }
  return context->peers.insert(found->second->device).second ? SUCCESS : PEER_ACCESS_ALREADY_ENABLED;
}

/// What the process's environment says of the emulated machine.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "driver.hpp"

namespace emulator {

namespace {

constexpr long long MOST_DEVICES = 16;

/// The number in an environment variable; other text ends the process, as nobody would notice otherwise.
long long number(const char* name, long long otherwise, long long least, long long most) {
  const char* text = getenv(name);
  if (text == nullptr || *text == 0) {
    return otherwise;
  }
  char* end;
  long long value = strtoll(text, &end, 10);
  if (*end != 0 || value < least || value > most) {
    fprintf(stderr, "emulated CUDA: %s is [%s], not a number from %lld to %lld\n", name, text, least, most);
    abort();
  }
  return value;
}

std::string uuidText(int device) {
  unsigned char bytes[16];
  uuidOf(device, bytes);
  std::string text = "GPU-";
  for (int i = 0; i < 16; i++) {
    char two[3];
    snprintf(two, sizeof two, "%02x", bytes[i]);
    text += i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "";
    text += two;
  }
  return text;
}

/// The device of an entry of CUDA_VISIBLE_DEVICES, an index or the start of a UUID; -1: none, or several.
int deviceNamed(const std::string& entry, int devices) {
  if (entry.rfind("GPU-", 0) == 0) {
    int found = -1;
    for (int device = 0; device < devices; device++) {
      if (uuidText(device).rfind(entry, 0) == 0) {
        found = found == -1 ? device : -2;
      }
    }
    return found < 0 ? -1 : found;
  }
  char* end;
  long index = strtol(entry.c_str(), &end, 10);
  return entry.empty() || *end != 0 || index < 0 || index >= devices ? -1 : static_cast<int>(index);
}

}  // namespace

Settings settingsOfEnvironment() {
  Settings settings;
  settings.devices = static_cast<int>(number("EMULATED_CUDA_DEVICES", settings.devices, 0, MOST_DEVICES));
  settings.memory = static_cast<size_t>(
      number("EMULATED_CUDA_MEMORY", static_cast<long long>(settings.memory), 1, 1ll << 40));
  settings.strict = number("EMULATED_CUDA_STRICT", 0, 0, 1) != 0;
  settings.nullKernels = number("EMULATED_CUDA_NULL_KERNELS", 0, 0, 1) != 0;
  settings.computeCapability =
      static_cast<int>(number("EMULATED_CUDA_COMPUTE_CAPABILITY", settings.computeCapability, 80, 129));
  settings.schedule = static_cast<int>(number("EMULATED_CUDA_SCHEDULE", 0, 0, 2));
  settings.seed = static_cast<uint64_t>(number("EMULATED_CUDA_SEED", 1, 0, 1ll << 62));
  return settings;
}

void uuidOf(int device, unsigned char* uuid) {
  static const unsigned char BASE[16] = {0x5a, 0x1e, 0x0d, 0xe1, 0xca, 0xfe, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, 0};
  memcpy(uuid, BASE, sizeof BASE);
  uuid[0] = static_cast<unsigned char>(0x5a + device);
  uuid[15] = static_cast<unsigned char>(device);
}

/// CUDA_VISIBLE_DEVICES chooses and orders devices; from its first entry that is none on, the rest is ignored.
void makeDevices() {
  State& all = state();
  all.visible.clear();
  const char* list = getenv("CUDA_VISIBLE_DEVICES");
  if (list == nullptr) {
    for (int i = 0; i < all.settings.devices; i++) {
      all.visible.push_back(i);
    }
  } else {
    std::string rest = list;
    while (!rest.empty()) {
      size_t comma = rest.find(',');
      int device = deviceNamed(rest.substr(0, comma), all.settings.devices);
      if (device < 0) {
        break;
      }
      all.visible.push_back(device);
      rest = comma == std::string::npos ? "" : rest.substr(comma + 1);
    }
  }
  all.devices.clear();
  all.devices.resize(all.visible.size());
  all.hasDevices = true;
}

}  // namespace emulator

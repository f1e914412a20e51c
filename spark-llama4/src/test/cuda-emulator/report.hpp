/// What the emulator found wrong, in words.
#pragma once

#include <cstdarg>
#include <string>

namespace emulator {

/// Replaces the last report.
void report(const char* format, ...) __attribute__((format(printf, 1, 2)));
const std::string& lastReport();
void clearReport();

std::string formatted(const char* format, va_list arguments);

}  // namespace emulator

package io.sparkllama4.backend.cpu;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/// How much memory the machine, or the container that this process runs in, can still give.
final class HostMemory {
  private static final Path MEMINFO = Path.of("/proc/meminfo");

  private HostMemory() {}

  /// The smaller of what the kernel calls available, which counts caches that it can drop, and what
  /// the container's limit leaves.
  static long availableBytes() {
    OperatingSystemMXBean system =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    // The bean knows container limits, but counts page cache as used; on the bare machine the
    // kernel's
    // own estimate is the better one.
    long free = system.getFreeMemorySize();
    long total = system.getTotalMemorySize();
    long available = kernelEstimate();
    if (available < 0) {
      return free;
    }
    boolean limited = total < 0.98 * kernelTotal();
    return limited ? Math.min(available, Math.max(free, 0)) : available;
  }

  private static long kernelEstimate() {
    return meminfo("MemAvailable:");
  }

  private static long kernelTotal() {
    return meminfo("MemTotal:");
  }

  /// A figure of /proc/meminfo in bytes, or -1 where there is none, as on systems other than Linux.
  private static long meminfo(String name) {
    try {
      for (String line : Files.readAllLines(MEMINFO, StandardCharsets.US_ASCII)) {
        if (line.startsWith(name)) {
          return Long.parseLong(line.substring(name.length()).replace("kB", "").trim()) * 1024;
        }
      }
      return -1;
    } catch (IOException e) {
      // No such file: not Linux. The caller has another source.
      return -1;
    }
  }
}

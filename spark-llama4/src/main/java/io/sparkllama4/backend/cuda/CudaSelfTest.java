package io.sparkllama4.backend.cuda;

import io.sparkllama4.backend.Backend;
import io.sparkllama4.backend.check.CheckRun;
import io.sparkllama4.backend.check.DeviceTests;
import io.sparkllama4.backend.check.Finding;
import io.sparkllama4.backend.check.KernelChecks;
import io.sparkllama4.backend.cuda.ffi.CudaDriver;
import io.sparkllama4.backend.cuda.ffi.CudaLayouts;
import io.sparkllama4.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// The tests of one device.
final class CudaSelfTest implements DeviceTests {
  /// How the devices of the emulated driver begin their names.
  private static final String EMULATED = "Emulated";

  /// Terms of brain floats that inputs of products have, as `strict` says.
  private static final int EXACT_TERMS = 2;

  private final CudaDriver driver;
  private final List<DeviceInfo> devices;
  private final boolean isEmulated;

  /// @param driver initialised
  /// @param devices at least one; the first is tested, together with the second where both matter
  CudaSelfTest(CudaDriver driver, List<DeviceInfo> devices) {
    this.driver = driver;
    this.devices = List.copyOf(devices);
    isEmulated = devices.getFirst().name().startsWith(EMULATED);
  }

  private DeviceInfo info() {
    return devices.getFirst();
  }

  @Override
  public Facts facts() {
    SequencedMap<String, Long> attributes = new LinkedHashMap<>();
    attributes.put("memory_bytes", info().totalBytes());
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(Long.BYTES);
      put(attributes, "multiprocessors", CudaLayouts.MULTIPROCESSORS, out);
      put(attributes, "clock_khz", CudaLayouts.CLOCK_RATE, out);
      put(attributes, "memory_clock_khz", CudaLayouts.MEMORY_CLOCK_RATE, out);
      put(attributes, "memory_bus_bits", CudaLayouts.MEMORY_BUS_WIDTH, out);
      put(attributes, "l2_cache_bytes", CudaLayouts.L2_CACHE_BYTES, out);
      put(attributes, "shared_bytes_of_block", CudaLayouts.MOST_SHARED_BYTES, out);
      return new Facts(
          info().name(),
          version(out),
          info().major() + "." + info().minor(),
          isEmulated,
          attributes);
    }
  }

  /// Newer drivers no longer know some attributes: these are left out.
  private void put(Map<String, Long> target, String name, int attribute, MemorySegment out) {
    driver.deviceGet(out, info().ordinal());
    int handle = out.get(ValueLayout.JAVA_INT, 0);
    if (driver.deviceGetAttribute(out, attribute, handle) == 0) {
      target.put(name, (long) out.get(ValueLayout.JAVA_INT, 0));
    }
  }

  private String version(MemorySegment out) {
    int result = driver.driverGetVersion(out);
    if (result != 0) {
      throw CudaException.of(driver, result, "cuDriverGetVersion", "");
    }
    int version = out.get(ValueLayout.JAVA_INT, 0);
    return String.format(Locale.ROOT, "%d.%d", version / 1000, version % 1000 / 10);
  }

  private CudaDevice open(DeviceInfo device) {
    return CudaDevice.open(driver, device.ordinal());
  }

  // ---- The driver -----------------------------------------------------------------------------

  @Override
  public void driver(CheckRun run) {
    CheckedDevice.Late device =
        new CheckedDevice.Late(() -> new CheckedDevice(open(info()), isEmulated));
    run.watch(device::loss);
    check(run, device, "streams_in_order", StreamChecks::order);
    check(run, device, "events_order_streams", StreamChecks::events);
    check(run, device, "pinned_ring", StreamChecks::ring);
    check(run, device, "copies_read_late", StreamChecks::late);
    check(run, device, "fills_and_copies", StreamChecks::copies);
    check(run, device, "event_times", StreamChecks::times);
    check(run, device, "modules", on -> LaunchChecks.modules(on, isEmulated));
    check(run, device, "graphs", LaunchChecks::graphs);
    check(run, device, "failed_recording", LaunchChecks::failedRecording);
    check(run, device, "arguments", LaunchChecks::arguments);
    check(run, device, "launch_limits", LaunchChecks::limits);
    check(run, device, "shared_memory", LaunchChecks::sharedMemory);
    check(run, device, "mapped_memory", LaunchChecks::mapped);
    check(run, device, "out_of_memory", LaunchChecks::outOfMemory);
    check(run, device, "memory_given_back", LaunchChecks::givenBack);
    check(run, device, "peer_copies", this::peers);
    run.giveBack("closing", device);
  }

  private static void check(
      CheckRun run, CheckedDevice.Late device, String name, Function<CheckedDevice, Finding> body) {
    run.check(
        name,
        () -> {
          CheckedDevice opened = device.get();
          try {
            return opened.device().call(() -> body.apply(opened));
          } finally {
            opened.release();
          }
        });
  }

  private Finding peers(CheckedDevice on) {
    if (devices.size() < 2) {
      return Finding.skipped("there is one device");
    }
    try (CheckedDevice other = new CheckedDevice(open(devices.get(1)), isEmulated)) {
      return StreamChecks.peers(on, other);
    }
  }

  // ---- The kernels ----------------------------------------------------------------------------

  /// A backend on the device that is opened when the first check needs it.
  private final class LateBackend implements Supplier<Backend>, AutoCloseable {
    private final boolean strict;
    private @Nullable CudaBackend opened;

    LateBackend(boolean strict) {
      this.strict = strict;
    }

    @Override
    public CudaBackend get() {
      CudaBackend known = opened;
      if (known == null) {
        CudaRanks.Settings settings =
            new CudaRanks.Settings(KernelArchive.open(), DType.BF16, strict);
        known = CudaRanks.open(List.of(open(info())), settings);
        opened = known;
      }
      return known;
    }

    Optional<String> loss() {
      CudaBackend known = opened;
      return known == null
          ? Optional.empty()
          : known.stream().device().failure().map(failure -> failure.report().message());
    }

    Set<String> usedKernels() {
      CudaBackend known = opened;
      return known == null ? Set.of() : known.kernelSet().used();
    }

    @Override
    public void close() {
      CudaBackend known = opened;
      if (known != null) {
        known.close();
      }
    }
  }

  @Override
  public void kernels(CheckRun run, Backend specification) {
    Set<String> used = new TreeSet<>();
    LateBackend exact = new LateBackend(true);
    run.watch(exact::loss);
    new KernelChecks(exact, specification, EXACT_TERMS).all(run);
    run.check("ranks", () -> RankChecks.kernels(exact.get()));
    used.addAll(exact.usedKernels());
    run.giveBack("closing", exact);
    LateBackend rounded = new LateBackend(false);
    run.watch(rounded::loss);
    new KernelChecks(rounded, specification, 1).products(run);
    used.addAll(rounded.usedKernels());
    run.giveBack("closing_rounded", rounded);
    run.check("all_kernels", () -> everyKernel(used));
  }

  /// Whether the checks have launched every kernel that there is.
  private Finding everyKernel(Set<String> used) {
    KernelTarget target = KernelTarget.of(info().major(), info().minor()).orElseThrow();
    Set<String> all = KernelArchive.open().kernels(target).keySet();
    Set<String> left = new TreeSet<>(all);
    left.removeAll(used);
    return Finding.that(
            left.isEmpty() && !all.isEmpty(),
            left.isEmpty() ? "each has run" : "no check has run " + left)
        .with("kernels", all.size());
  }

  // ---- Speed ----------------------------------------------------------------------------------

  @Override
  public void speed(CheckRun run, Optional<DataSheet> sheet) {
    SpeedChecks.Sizes sizes = isEmulated ? SpeedChecks.Sizes.SMALL : SpeedChecks.Sizes.SCOUT;
    LateBackend exact = new LateBackend(true);
    run.watch(exact::loss);
    SpeedChecks all = new SpeedChecks(exact::get, sizes, sheet, Optional.empty());
    all.all(run);
    run.giveBack("closing", exact);
    LateBackend rounded = new LateBackend(false);
    run.watch(rounded::loss);
    new SpeedChecks(rounded::get, sizes, sheet, all.copySpeed()).rounded(run);
    run.giveBack("closing_rounded", rounded);
  }
}

/// What a step on a device costs its host: [HostBenchmark] runs the engine over the emulated
/// driver, whose kernels do nothing there, and takes the time outside the driver's calls.
///
/// [HostModel] is a model of Scout's structure, [HostClock] the time of its steps, [DriverTime] the
/// driver's part of it, [HostReport] what is printed. The package may know what makes up an engine;
/// nobody knows it.
@NullMarked
package io.sparkllama4.benchmarks.host;

import org.jspecify.annotations.NullMarked;

/// Checks that a device is what its backend takes it for, for whoever has the device.
///
/// Read in this order: [DeviceTestsProvider] and [DeviceTests] (what a backend offers), [CheckRun],
/// [CheckResult] and [Finding] (how checks are run and what they say), [KernelChecks], which
/// compares the kernels of any backend with the plain loops of another one, and the groups of these
/// checks, each of which computes the same on two [Subject]s.
///
/// This package knows the backend interfaces and tensors, and may use nothing else; backends offer
/// their tests through it, and the command line asks for them.
@NullMarked
package io.sparkllama4.backend.check;

import org.jspecify.annotations.NullMarked;

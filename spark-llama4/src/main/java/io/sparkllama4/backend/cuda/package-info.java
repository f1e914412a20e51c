/// The CUDA backend: devices, their memory and streams, and the kernels that run on them.
///
/// Read in this order: `CudaFinder` (is there a device, and if not, why), `DeviceChoice` (which
/// ones are meant), [CudaDevice] (one device, and the thread that owns it), what lives on it
/// ([DeviceMemory], [PinnedMemory], [PinnedRing], [CudaStream], [CudaEvent], [CudaModule],
/// [CudaGraph]), [KernelArchive] (the compiled kernels, of which a [KernelTarget] says which a
/// device runs), [Launch] (one kernel with its arguments), and how failures are told ([CudaError],
/// [CudaException]).
///
/// [CudaSelfTest] tests a device: its driver ([StreamChecks], [LaunchChecks]), its kernels and
/// their speed ([SpeedChecks]).
///
/// It may know the backend interfaces, tensors, the checks of backends and `backend.cuda.ffi`,
/// which alone calls native code; nobody imports this package.
@NullMarked
package io.sparkllama4.backend.cuda;

import org.jspecify.annotations.NullMarked;

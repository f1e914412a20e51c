/// The CUDA backend: devices, their memory and streams, and the kernels that run on them.
///
/// Read in this order: `CudaFinder` (is there a device, and if not, why), `DeviceChoice` (which
/// ones are meant), [CudaDevice] (one device, and the thread that owns it), what lives on it
/// ([DeviceMemory], [PinnedMemory], [PinnedRing], [CudaStream], [CudaEvent], [CudaModule],
/// [CudaGraph]), [Launch] (one kernel with its arguments), and how failures are told ([CudaError],
/// [CudaException]).
///
/// It may know the backend interfaces, tensors and `backend.cuda.ffi`, which alone calls native
/// code; nobody imports this package.
@NullMarked
package io.sparkllama4.backend.cuda;

import org.jspecify.annotations.NullMarked;

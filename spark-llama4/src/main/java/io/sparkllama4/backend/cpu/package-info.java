/// The CPU backend: the plain kernels that specify every other, and the fast ones that are measured
/// against them.
///
/// Read in this order: `ScalarKernels` (with `LogitSampler` and `CpuRouting`), `CpuBackend`,
/// `CpuPool`, `FastKernels` (which stages are fused), `PanelProducts` (how products become pieces),
/// `PanelMath` with its two forms `NativePanels` and `VectorPanels`, `PanelPacker` (from stored
/// weights to panels). `CpuProvider` is what the service loader finds; nobody imports this package.
/// It may know the backend interfaces, tensors and `backend.cpu.ffi`, and is the only one that may
/// use the Vector API.
@NullMarked
package io.sparkllama4.backend.cpu;

import org.jspecify.annotations.NullMarked;

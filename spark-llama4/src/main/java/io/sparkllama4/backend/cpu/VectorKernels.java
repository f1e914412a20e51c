package io.sparkllama4.backend.cpu;

/// Placeholder while the scalar kernels are brought up.
final class VectorKernels extends ScalarKernels {
  VectorKernels(CpuPool pool) {}
}

/// JMH benchmarks of single kernels, through the interface that every backend has: they follow
/// whatever a backend does behind it.
///
/// [MatmulBenchmark], [MixtureBenchmark], [AttentionBenchmark] and [NormBenchmark] may be run one
/// by one with `bin/jmh`; [KernelState] opens the backend, [StoredForm] makes matrices. The package
/// may know backends, models and tensors; nobody knows it.
@NullMarked
package io.sparkllama4.benchmarks.kernels;

import org.jspecify.annotations.NullMarked;

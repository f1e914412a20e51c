/// What the kernels of GPUs move and compute in a step of a published model ([StepWork]): counted,
/// not measured. [WorkPage] writes it into `docs/gpu.md`.
@NullMarked
package io.sparkllama4.benchmarks.work;

import org.jspecify.annotations.NullMarked;

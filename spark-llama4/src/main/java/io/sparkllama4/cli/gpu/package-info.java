/// The self-test of a GPU: whether its driver, its kernels and whole models do what they should,
/// and how fast.
///
/// Read in this order: [SelfTestPlan] (what is asked for), [SelfTest] (the parts in turn),
/// [EndToEnd] and [EndToEndSpeed] (whole models), [SelfTestReport] (what is told). The checks of
/// driver and kernels are the backend's own, behind `backend.check`.
///
/// This package may know the benchmarks, the runtime and what that may know, and the cards of
/// `runtime.plan`; only the command in `cli` uses it.
@NullMarked
package io.sparkllama4.cli.gpu;

import org.jspecify.annotations.NullMarked;

/// The figures of `docs/performance.md`: [PerformancePage] fills its tables from the documents that
/// benchmarks printed ([Recording]), and draws tokens per second over the batch size ([Plot]).
///
/// The package knows documents and pages, and nothing of the project's other code.
@NullMarked
package io.sparkllama4.benchmarks.report;

import org.jspecify.annotations.NullMarked;

/// The project's own rules about its packages: who may import whom, which libraries stay behind
/// which fence, and that each package says so.
///
/// Read [Arrows][io.sparkllama4.architecture.Arrows] (the table of packages),
/// [Rules][io.sparkllama4.architecture.Rules], `ArchitectureTest`. What lies under `planted` breaks
/// every rule on purpose, so that no rule can hold for want of a way to fail.
@NullMarked
package io.sparkllama4.architecture;

import org.jspecify.annotations.NullMarked;

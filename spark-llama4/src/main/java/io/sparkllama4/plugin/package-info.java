/// The Spark plugin: configuration, the driver's half, the executor's half.
///
/// Read in this order: [Llama4ConfKeys] and [Llama4Conf], [Llama4Plugin] and [EnginePlugin],
/// [ExecutorEngines], [LostDevice]. What an older JVM must be able to read, to say which one is
/// needed, lies under `src/main/java17`: [JavaVersion], [Llama4Plugin], [CheckedTask]. This package
/// may know the runtime and Spark's plugin interface; it knows no query.
@NullMarked
package io.sparkllama4.plugin;

import org.jspecify.annotations.NullMarked;

/// Scheduling and the cache's blocks, without a model.
@NullMarked
package io.sparkllama4.engine;

import org.jspecify.annotations.NullMarked;

/// Scheduling and the cache's blocks, without a model.
@NullMarked
package io.sparkllama4.rows;

import org.jspecify.annotations.NullMarked;

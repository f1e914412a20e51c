/// The arithmetic of plans, against numbers worked out by other means.
@NullMarked
package io.sparkllama4.runtime.plan;

import org.jspecify.annotations.NullMarked;

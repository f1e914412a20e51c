/// Tests of the CUDA backend that need no device.
@NullMarked
package io.sparkllama4.backend.cuda;

import org.jspecify.annotations.NullMarked;

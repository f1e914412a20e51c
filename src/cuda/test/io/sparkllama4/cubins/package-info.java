/// Tests of the compiled kernels, which need no device; those tagged "nvrtc" need the compiler.
@NullMarked
package io.sparkllama4.cubins;

import org.jspecify.annotations.NullMarked;

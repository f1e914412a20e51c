/// Breaks the rules of its namesake in the product, on purpose.
@NullMarked
package io.sparkllama4.architecture.planted.backend.cuda.ffi;

import org.jspecify.annotations.NullMarked;

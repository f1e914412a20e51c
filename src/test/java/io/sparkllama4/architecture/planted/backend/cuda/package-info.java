/// Breaks the rules of its namesake in the product, on purpose.
@NullMarked
package io.sparkllama4.architecture.planted.backend.cuda;

import org.jspecify.annotations.NullMarked;

/// Every fast kernel against the plain one, over sizes chosen to hurt.
@NullMarked
package io.sparkllama4.backend.cpu;

import org.jspecify.annotations.NullMarked;

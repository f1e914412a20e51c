/// The compiler's library, called through the Foreign Function & Memory API.
///
/// `Nvrtc` is all of it. The package knows nothing of the project's kernels.
@NullMarked
package io.sparkllama4.cubins.ffi;

import org.jspecify.annotations.NullMarked;

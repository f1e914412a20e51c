/// The CPU's native kernels: finding the library, binding its functions.
///
/// Read in this order: [InstructionSet] (which builds this processor can run), [KernelLibrary] (one
/// build, bound).
///
/// The library is optional. Where the build had no compiler, or the machine lacks the instructions,
/// the reason is kept and told; nothing here throws while looking. Only `backend.cpu` uses this
/// package, which knows nothing but the Foreign Function and Memory API.
@NullMarked
package io.sparkllama4.backend.cpu.ffi;

import org.jspecify.annotations.NullMarked;

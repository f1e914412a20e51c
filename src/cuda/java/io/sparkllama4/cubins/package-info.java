/// Compiles the CUDA kernels into the archive that the backend loads, and says what the compiled
/// kernels are made of.
///
/// Read [Main] first, then [KernelCompiler] (sources to images), [BuildRecord] (what an archive was
/// made of), [Cubin] and [Occupancy]. The package may know the backend's `KernelArchive`, whose
/// format it writes; no product code knows it.
@NullMarked
package io.sparkllama4.cubins;

import org.jspecify.annotations.NullMarked;

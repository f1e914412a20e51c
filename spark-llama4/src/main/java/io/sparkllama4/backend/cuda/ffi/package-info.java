/// Native CUDA: the one place that calls libraries of NVIDIA, or what a test puts in their place.
///
/// Read [NativeLibrary] first (how a library is found), then [CudaDriver] with [EntryPoints] (the
/// driver's functions and their shapes), [CudaLayouts] (its constants) and [DeviceSegments].
/// Nothing is linked when the program is built, and nothing is called with the garbage collector
/// locked out, since every call of the driver may block.
///
/// This package knows the Foreign Function & Memory API and errors, and nothing of kernels or
/// models.
@NullMarked
package io.sparkllama4.backend.cuda.ffi;

import org.jspecify.annotations.NullMarked;

/// Numbers in native memory: element types, shapes, tensors, weight matrices as they are stored.
///
/// Read in this order: [DType], [Shape], [Elements], [Tensor], [Quantization], [Matrix], [Linear],
/// and [NativeArena], which owns the memory. This package knows no model, no kernel, no file format
/// and no device: a tensor whose memory lies on a device carries an address that only that backend
/// may follow.
@NullMarked
package io.sparkllama4.tensor;

import org.jspecify.annotations.NullMarked;

/// A decoder: what it is made of, as data, and how a step runs through it.
///
/// Read in this order: [DecoderSpec] and [LayerSpec] (the differences between models are data
/// here), [Rotary], [DecoderWeights], [RankShare] (which part of them one of several ranks holds),
/// [KvCache], [StepInput], [Decoder]. This package may know kernels and tensors. It knows no file
/// format, no request and no device.
@NullMarked
package io.sparkllama4.model;

import org.jspecify.annotations.NullMarked;

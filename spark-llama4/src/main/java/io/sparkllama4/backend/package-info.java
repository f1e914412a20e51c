/// The kernels that a decoder is made of, and what executes them.
///
/// Read in this order: [Kernels] (primitives, then stages: the definition of a layer), the layer
/// data that stages take ([AttentionLayer] with [AttentionSpec], [FeedForwardLayer],
/// [MixtureLayer], [GatedMlp]), what a step brings along ([StepTokens], [BlockTables], [KvLayer],
/// [StepBuffers], [Routing], [Probe]), sampling ([SampleRow], [SampleResult]), how weights lie over
/// ranks that share a model ([Placement], [Span]), and how a backend is found ([Backend],
/// [BackendProvider], [Backends], [Availability]).
///
/// This package knows tensors and nothing else: no checkpoint, no request, no Spark.
/// Implementations are found by ServiceLoader and imported by nobody.
@NullMarked
package io.sparkllama4.backend;

import org.jspecify.annotations.NullMarked;

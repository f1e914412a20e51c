/// Checkpoints as they are published: a directory with `config.json`, safetensors files and an
/// index.
///
/// Read in this order: [Checkpoint] (a directory, opened and checked), [ModelConfig] with
/// [Llama4Config] (from JSON to [io.sparkllama4.model.DecoderSpec]; [ModelOutline] where no weights
/// are needed), [SafetensorsHeader] and
/// [TensorFiles] (where every tensor lies), [WeightNames] and [WeightLoader] (from names to
/// layers), [CheckpointDigest]. Whatever is wrong with a directory is refused here, by code, file
/// and tensor. This package may know the model's data types and tensors; it computes nothing.
@NullMarked
package io.sparkllama4.weights;

import org.jspecify.annotations.NullMarked;

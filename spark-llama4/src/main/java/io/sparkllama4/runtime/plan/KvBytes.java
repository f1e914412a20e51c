package io.sparkllama4.runtime.plan;

import io.sparkllama4.backend.AttentionSpec;
import io.sparkllama4.model.DecoderSpec;
import io.sparkllama4.model.LayerSpec;

/// Memory of keys and values on a GPU.
///
/// A layer that sees all earlier tokens keeps every token of a sequence; a chunked layer gives a
/// chunk back once it is full, and so never keeps more than one chunk of a sequence.
///
/// @param globalPerToken bytes of one token in the layers that see all earlier tokens
/// @param chunkedPerToken bytes of one token in the chunked layers
/// @param chunk tokens of a chunk; 0 where no layer is chunked
public record KvBytes(long globalPerToken, long chunkedPerToken, int chunk) {

  /// What the fullest of `gpus` keeps.
  static KvBytes of(DecoderSpec spec, KvDtype dtype, int gpus) {
    long global = 0;
    long chunked = 0;
    for (LayerSpec layer : spec.layers()) {
      AttentionSpec attention = layer.attention();
      long heads = ModelShare.kvHeads(attention, gpus);
      long bytes = 2 * heads * attention.headDim() * dtype.bytes();
      if (attention.isChunked()) {
        chunked += bytes;
      } else {
        global += bytes;
      }
    }
    return new KvBytes(global, chunked, spec.chunk());
  }

  /// Bytes of one sequence of `tokens` tokens.
  public long perSequence(long tokens) {
    return globalPerToken * tokens + chunkedPerToken * Math.min(tokens, chunk);
  }

  /// How many sequences of `context` tokens fit into `free` bytes.
  public long sequences(long free, int context) {
    return Math.max(0, free) / perSequence(context);
  }

  /// How many tokens fit into `free` bytes, in sequences of `context` tokens and a shorter last
  /// one.
  public long tokens(long free, int context) {
    long whole = sequences(free, context);
    long rest = Math.max(0, free) - whole * perSequence(context);
    return whole * context + longest(rest, context);
  }

  /// The longest sequence, of `most` tokens at most, that fits into `free` bytes.
  public long longest(long free, long most) {
    if (free <= 0) {
      return 0;
    }
    long chunkBytes = (globalPerToken + chunkedPerToken) * chunk;
    if (free < chunkBytes) {
      return Math.min(most, free / (globalPerToken + chunkedPerToken));
    }
    if (globalPerToken == 0) {
      return most;
    }
    return Math.min(most, chunk + (free - chunkBytes) / globalPerToken);
  }
}

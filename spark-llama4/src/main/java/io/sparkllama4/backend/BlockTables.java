package io.sparkllama4.backend;

import io.sparkllama4.tensor.Tensor;

/// Where keys and values of a step's sequences lie in one group of paged KV caches.
///
/// Position `p` of sequence `s` lies in block `blocks[starts[s] + p / blockTokens -
/// firstBlocks[s]]`; blocks before `firstBlocks[s]` have been freed, because no later query can see
/// them.
///
/// @param blockTokens positions in a block
/// @param slots I32 `[T]`, the cache slot of every token of the step: block * blockTokens + offset
/// @param starts I32 `[S+1]`, where the blocks of a sequence begin in `blocks`
/// @param firstBlocks I32 `[S]`, the index, in its sequence, of the first block that is listed
/// @param blocks I32, block ids
public record BlockTables(
    int blockTokens, Tensor slots, Tensor starts, Tensor firstBlocks, Tensor blocks) {}

package io.sparkllama4.weights;

import io.sparkllama4.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.zip.CRC32C;

/// Checksums of tensors, CRC-32C of every 16 MiB of each: small enough that all threads have
/// something to do, and that what a block reads of a disk is read at its full speed.
final class BlockSums {
  /// Where they stand in a file's metadata.
  static final String KEY = "crc32c";

  private static final long BLOCK_BYTES = 16L << 20;

  private BlockSums() {}

  /// Takes one block.
  interface BlockVisitor {
    /// Takes it.
    ///
    /// @param position of its first byte
    void visit(MemorySegment block, long position) throws IOException;
  }

  /// Visits the blocks of a tensor in their order.
  ///
  /// @param position of the tensor's first byte
  static void forEachBlock(Tensor tensor, long position, BlockVisitor visitor) throws IOException {
    MemorySegment data = tensor.data();
    for (long at = 0; at < data.byteSize(); at += BLOCK_BYTES) {
      long size = Math.min(BLOCK_BYTES, data.byteSize() - at);
      visitor.visit(data.asSlice(at, size), position + at);
    }
  }

  /// The sums of all blocks of all tensors, eight hexadecimal digits each.
  static String of(List<Tensor> tensors, int threads) throws IOException {
    List<MemorySegment> blocks = new ArrayList<>();
    for (Tensor tensor : tensors) {
      forEachBlock(tensor, 0, (block, _) -> blocks.add(block));
    }
    StringBuilder all = new StringBuilder(8 * blocks.size());
    try (ExecutorService pool = Executors.newFixedThreadPool(threads)) {
      List<Future<Integer>> sums =
          pool.invokeAll(
              blocks.stream()
                  .<java.util.concurrent.Callable<Integer>>map(b -> () -> sum(b))
                  .toList());
      for (Future<Integer> sum : sums) {
        all.append(HexFormat.of().toHexDigits(sum.get()));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("Interrupted while checksums were computed", e);
    } catch (ExecutionException e) {
      throw new IOException("Checksums could not be computed", e);
    }
    return all.toString();
  }

  private static int sum(MemorySegment block) {
    if (block.isMapped()) {
      // Asks the system for all of the block at once, rather than page by page.
      block.load();
    }
    CRC32C sum = new CRC32C();
    sum.update(block.asByteBuffer());
    return (int) sum.getValue();
  }
}

package io.sparkllama4.cubins;

import io.sparkllama4.backend.cuda.KernelTarget;

/// How many blocks of a kernel a multiprocessor holds at a time, by the rules and figures of
/// NVIDIA's programming guide.
///
/// @param warps that a multiprocessor holds at most
/// @param blocks that it holds at most
/// @param registers that it has
/// @param sharedBytes shared memory that it has
/// @param blockSharedBytes shared memory of one block at most
record Occupancy(int warps, int blocks, int registers, int sharedBytes, int blockSharedBytes) {
  static final int WARP_THREADS = 32;

  private static final int KIB = 1024;

  /// A multiprocessor has four parts; a warp's registers lie in one of them.
  private static final int PARTS = 4;

  /// Registers are given to a warp, and shared memory to a block, in units of so many (bytes).
  private static final int REGISTER_UNIT = 256;

  private static final int SHARED_UNIT = 128;

  /// Shared memory that the system takes of every block, from compute capability 8.0 on.
  private static final int SYSTEM_SHARED = KIB;

  /// Multiprocessors of the devices that a target is for: of A100, H100 and B200.
  static Occupancy of(KernelTarget target) {
    return switch (target) {
      case SM_80, COMPUTE_80 -> new Occupancy(64, 32, 64 * KIB, 164 * KIB, 163 * KIB);
      case SM_90, SM_100 -> new Occupancy(64, 32, 64 * KIB, 228 * KIB, 227 * KIB);
    };
  }

  /// Blocks of `threads` threads with `threadRegisters` registers each and `shared` bytes of
  /// static and dynamic shared memory; 0 where not even one fits.
  int blocks(int threads, int threadRegisters, int shared) {
    if (shared > blockSharedBytes) {
      return 0;
    }
    int blockWarps = (threads + WARP_THREADS - 1) / WARP_THREADS;
    int warpRegisters = roundUp(threadRegisters * WARP_THREADS, REGISTER_UNIT);
    int byRegisters =
        threadRegisters == 0 ? warps : registers / PARTS / warpRegisters * PARTS / blockWarps;
    int byShared = sharedBytes / roundUp(shared + SYSTEM_SHARED, SHARED_UNIT);
    return Math.min(Math.min(blocks, warps / blockWarps), Math.min(byRegisters, byShared));
  }

  /// The share of its warps that a multiprocessor holds then.
  double share(int threads, int threadRegisters, int shared) {
    int blockWarps = (threads + WARP_THREADS - 1) / WARP_THREADS;
    return (double) blocks(threads, threadRegisters, shared) * blockWarps / warps;
  }

  private static int roundUp(int number, int unit) {
    return (number + unit - 1) / unit * unit;
  }
}

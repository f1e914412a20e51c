package io.sparkllama4.cubins;

import static org.assertj.core.api.Assertions.assertThat;

import io.sparkllama4.backend.cuda.KernelTarget;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Values that follow from the tables of NVIDIA's programming guide and its rules of allocation.
class OccupancyTest {
  @ParameterizedTest(name = "{0}: {1} threads, {2} registers, {3} bytes")
  @CsvSource({
    // As many warps as there are.
    "SM_80, 1024, 32, 0, 2, 1.0",
    "SM_90, 256, 32, 0, 8, 1.0",
    "SM_100, 128, 32, 0, 16, 1.0",
    // As many blocks as there are.
    "SM_80, 32, 16, 0, 32, 0.5",
    "SM_90, 32, 32, 0, 32, 0.5",
    // Registers: 65,536 / (64 * 32) are 32 warps; 65 count as 72, of which a part holds 7 warps.
    "SM_80, 256, 64, 0, 4, 0.5",
    "SM_80, 256, 65, 0, 3, 0.375",
    "SM_80, 128, 65, 0, 7, 0.4375",
    "SM_90, 128, 168, 0, 3, 0.1875",
    "SM_90, 384, 168, 0, 1, 0.1875",
    "SM_90, 128, 255, 0, 2, 0.125",
    "SM_90, 1024, 64, 0, 1, 0.5",
    "SM_90, 1024, 65, 0, 0, 0.0",
    // Three warps in a block: not all of the 28 that registers allow.
    "SM_80, 96, 72, 0, 9, 0.421875",
    // Shared memory: the system takes 1 KiB of each block.
    "SM_80, 128, 32, 49152, 3, 0.1875",
    "SM_80, 128, 32, 81920, 2, 0.125",
    "SM_80, 128, 32, 82945, 1, 0.0625",
    "SM_80, 128, 32, 166912, 1, 0.0625",
    "SM_80, 128, 32, 166913, 0, 0.0",
    "SM_90, 128, 32, 115712, 2, 0.125",
    "SM_90, 128, 32, 115713, 1, 0.0625",
    "SM_90, 128, 32, 232448, 1, 0.0625",
    "SM_90, 128, 32, 232449, 0, 0.0",
    "SM_100, 256, 128, 65536, 2, 0.25",
    // Warps are whole.
    "SM_80, 33, 32, 0, 32, 1.0",
  })
  void blocksAndShareOfWarps(
      KernelTarget target, int threads, int registers, int shared, int blocks, double share) {
    Occupancy occupancy = Occupancy.of(target);
    assertThat(occupancy.blocks(threads, registers, shared)).isEqualTo(blocks);
    assertThat(occupancy.share(threads, registers, shared)).isEqualTo(share);
  }
}

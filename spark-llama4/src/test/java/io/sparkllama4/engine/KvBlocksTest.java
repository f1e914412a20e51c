package io.sparkllama4.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.sparkllama4.model.KvGroup;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;

/// Who holds which blocks.
class KvBlocksTest {

  /// Computes `count` more tokens of `sequence`, as the engine's loop does.
  private static void compute(KvBlocks blocks, Sequence sequence, int count) {
    assertThat(blocks.reserve(sequence, sequence.computed() + count)).isTrue();
    blocks.stored(count);
    sequence.commit(count);
    blocks.settle(sequence);
  }

  private static Set<Integer> ids(IntList list) {
    Set<Integer> ids = new HashSet<>();
    for (int i = 0; i < list.size(); i++) {
      assertThat(ids.add(list.get(i))).as("block %d once", list.get(i)).isTrue();
    }
    return ids;
  }

  @Test
  void aModelHasTheGroupsOfItsLayers() {
    assertThat(new KvBlocks(Specs.layers(0, 0), 64, 64, false).blockTokens())
        .isEqualTo(Map.of(KvGroup.GLOBAL, 16));
    assertThat(new KvBlocks(Specs.layers(8, 8), 64, 64, false).blockTokens())
        .isEqualTo(Map.of(KvGroup.CHUNKED, 8));
    assertThat(new KvBlocks(Specs.layers(8192, 0), 64, 64, false).blockTokens())
        .isEqualTo(Map.of(KvGroup.GLOBAL, 16, KvGroup.CHUNKED, 16));
  }

  @Test
  void chunksEndAtTheEndsOfBlocks() {
    for (int chunk = 1; chunk < 100; chunk++) {
      int block =
          new KvBlocks(Specs.layers(chunk), 64, 64, false)
              .blockTokens()
              .getOrDefault(KvGroup.CHUNKED, 0);
      assertThat(block).isBetween(1, 16);
      assertThat(chunk % block).as("chunk %d, block %d", chunk, block).isZero();
    }
  }

  @Test
  void nothingIsGivenWhereNotAllIsThere() {
    KvBlocks blocks = new KvBlocks(Specs.layers(0, 8), 64, 16, false);
    Sequence sequence = Specs.row("a", 40);
    assertThat(blocks.reserve(sequence, 17)).as("two blocks of 8 in chunked layers").isFalse();
    assertThat(sequence.globalBlocks.size()).isZero();
    assertThat(sequence.chunkedBlocks.size()).isZero();
    assertThat(blocks.reserve(sequence, 16)).isTrue();
    assertThat(sequence.globalBlocks.size()).as("blocks end with chunks").isEqualTo(2);
    assertThat(sequence.chunkedBlocks.size()).isEqualTo(2);
    assertThat(blocks.reserve(sequence, 16)).as("again").isTrue();
    assertThat(sequence.chunkedBlocks.size()).isEqualTo(2);
  }

  @Test
  void noBlockHasTwoHoldersAndReleasedOnesComeBack() {
    KvBlocks blocks = new KvBlocks(Specs.layers(0), 64, 0, false);
    Sequence first = Specs.row("a", 33);
    Sequence second = Specs.row("a", 16);
    compute(blocks, first, 33);
    compute(blocks, second, 16);
    Set<Integer> all = ids(first.globalBlocks);
    all.addAll(ids(second.globalBlocks));
    assertThat(all).containsExactlyInAnyOrder(0, 1, 2, 3);
    assertThat(blocks.canBegin(SharedPrefix.NONE, 1, 1)).isFalse();
    assertThat(blocks.canEverHold(64, 64)).isTrue();
    assertThat(blocks.canEverHold(65, 64)).isFalse();
    blocks.release(first);
    assertThat(first.globalBlocks.isEmpty()).isTrue();
    assertThat(blocks.canBegin(SharedPrefix.NONE, 48, 48)).isTrue();
    assertThat(blocks.canBegin(SharedPrefix.NONE, 49, 49)).isFalse();
    Sequence third = Specs.row("a", 40);
    compute(blocks, third, 40);
    assertThat(ids(third.globalBlocks)).containsExactlyInAnyOrder(0, 1, 2);
    assertThat(blocks.blocksInUse(KvGroup.GLOBAL)).as("memory does not grow").isEqualTo(4);
  }

  @Test
  void closedChunksGoBackAndTheOpenOneStays() {
    KvBlocks blocks = new KvBlocks(Specs.layers(8), 0, 24, false);
    Sequence sequence = Specs.row("a", 1000);
    for (int computed = 5; computed <= 1000; computed += 5) {
      compute(blocks, sequence, 5);
      int open = computed - computed % 8;
      assertThat(sequence.firstChunkedBlock).isEqualTo(open / 8);
      assertThat(sequence.chunkedBlocks.size()).isEqualTo(Math.ceilDiv(computed, 8) - open / 8);
    }
    assertThat(blocks.blocksInUse(KvGroup.CHUNKED)).isLessThanOrEqualTo(3);
    assertThat(blocks.peakTokens())
        .as("seven of the open chunk and five of a step")
        .isLessThanOrEqualTo(12);
    blocks.release(sequence);
    assertThat(sequence.firstChunkedBlock).isZero();
    assertThat(blocks.canBegin(SharedPrefix.NONE, 24, 24)).as("all three blocks are free").isTrue();
  }

  @Test
  void aChunkThatWillBeRolledBackIntoStaysOpen() {
    KvBlocks blocks = new KvBlocks(Specs.layers(8, 0), 64, 64, false);
    int[] prompt = new int[13];
    List<int[]> continuations = List.of(new int[20], new int[] {1, 2, 3});
    Sequence sequence =
        new Sequence(
            new Submission("q", 1, () -> {}), 0, prompt, new PromptBatch.Choose(continuations));
    Choice choice = Objects.requireNonNull(sequence.choice);
    assertThat(choice.computedTokens()).as("of the first, without its last").isEqualTo(19);
    assertThat(sequence.length()).isEqualTo(13 + 19);
    compute(blocks, sequence, 32);
    assertThat(sequence.firstChunkedBlock).as("the chunk of positions 8 to 15").isEqualTo(1);
    assertThat(sequence.chunkedBlocks.size()).isEqualTo(3);
    assertThat(choice.advance(sequence)).isTrue();
    assertThat(choice.computedTokens()).as("with the second").isEqualTo(19 + 2);
    blocks.forgotten(32 - sequence.computed());
    assertThat(sequence.computed()).isEqualTo(13);
    assertThat(sequence.length()).isEqualTo(15);
    compute(blocks, sequence, 2);
    assertThat(choice.advance(sequence)).isFalse();
    blocks.release(sequence);
    assertThat(blocks.canBegin(SharedPrefix.NONE, 64, 64)).as("all are free").isTrue();
    Sequence next = Specs.row("a", 32);
    compute(blocks, next, 32);
    assertThat(blocks.peakTokens()).as("nothing is counted twice").isEqualTo(32);
  }

  @Test
  void aLongSequenceFitsChunkedLayersByItsOpenChunk() {
    KvBlocks blocks = new KvBlocks(Specs.layers(8), 0, 24, false);
    assertThat(blocks.canEverHold(100_000, 16)).isTrue();
    assertThat(blocks.canEverHold(100_000, 17)).isFalse();
    assertThat(blocks.canEverHold(24, 100)).isTrue();
  }

  @Test
  void thePeakCountsTokensByTheShareOfLayersThatHoldThem() {
    KvBlocks blocks = new KvBlocks(Specs.layers(8, 8, 8, 0), 1024, 1024, false);
    Sequence sequence = Specs.row("a", 80);
    for (int i = 0; i < 10; i++) {
      compute(blocks, sequence, 8);
    }
    // 80 tokens in one of four layers, 8 in the other three.
    assertThat(blocks.peakTokens()).isEqualTo((80 + 3 * 8) / 4);
    blocks.release(sequence);
    sequence.restart();
    compute(blocks, sequence, 8);
    assertThat(blocks.peakTokens()).as("a peak stays").isEqualTo((80 + 3 * 8) / 4);
  }

  @Test
  void releasedTokensAreNotCountedAgain() {
    KvBlocks blocks = new KvBlocks(Specs.layers(8, 0), 1024, 1024, false);
    for (int i = 0; i < 5; i++) {
      Sequence sequence = Specs.row("a", 12);
      compute(blocks, sequence, 7);
      compute(blocks, sequence, 5);
      blocks.release(sequence);
    }
    assertThat(blocks.peakTokens()).isEqualTo(12);
  }
}

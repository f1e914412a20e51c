package io.sparkllama4.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.sparkllama4.model.DecoderSpec;
import io.sparkllama4.model.KvGroup;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Sequences that begin alike hold the same blocks, and only those.
class PrefixCacheTest {
  private KvBlocks blocks = new KvBlocks(Specs.layers(0), 0, 0, true);

  private void cache(DecoderSpec spec, int tokens) {
    blocks = new KvBlocks(spec, tokens, tokens, true);
  }

  private static int[] ids(int from, int count) {
    return IntStream.range(from, from + count).toArray();
  }

  private static int[] join(int[]... parts) {
    return Arrays.stream(parts).flatMapToInt(Arrays::stream).toArray();
  }

  /// Begins a row; returns it, with what it shares counted as computed.
  private Sequence begin(int[] prompt) {
    Sequence sequence = Specs.row("q", prompt);
    SharedPrefix prefix = blocks.find(sequence);
    assertThat(prefix.isComing()).isFalse();
    blocks.begin(sequence, prefix);
    return sequence;
  }

  /// What a row with `prompt` would share; it ends at once.
  private int reused(int[] prompt) {
    Sequence sequence = begin(prompt);
    int computed = sequence.computed();
    blocks.release(sequence);
    return computed;
  }

  private void compute(Sequence sequence, int count) {
    assertThat(blocks.reserve(sequence, sequence.computed() + count)).isTrue();
    blocks.stored(count);
    sequence.commit(count);
    blocks.settle(sequence);
  }

  private void finish(Sequence sequence) {
    compute(sequence, sequence.pending());
    blocks.release(sequence);
  }

  private static List<Integer> list(IntList list) {
    return IntStream.range(0, list.size()).mapToObj(list::get).toList();
  }

  @Test
  void fullBlocksAreSharedAndAtLeastOneTokenIsComputed() {
    cache(Specs.layers(0), 1024);
    finish(begin(ids(0, 48)));
    assertThat(reused(ids(0, 48))).as("the last token's logits are wanted").isEqualTo(32);
    assertThat(reused(ids(0, 49))).isEqualTo(48);
    assertThat(reused(ids(0, 40))).isEqualTo(32);
    assertThat(reused(join(ids(0, 31), ids(500, 30)))).isEqualTo(16);
    assertThat(reused(ids(1, 48))).isZero();
  }

  @Test
  void theSameIdsElsewhereAreOtherContent() {
    cache(Specs.layers(0), 1024);
    finish(begin(join(ids(0, 16), ids(100, 16), ids(0, 16))));
    assertThat(reused(join(ids(100, 16), ids(0, 16)))).isZero();
    assertThat(reused(join(ids(0, 16), ids(0, 17)))).isEqualTo(16);
  }

  @Test
  void equalHashesAreNotEqualContent() {
    cache(Specs.layers(0), 1024);
    int[] prompt = ids(0, 40);
    int[] other = prompt.clone();
    other[3] += 1;
    other[4] -= 31;
    assertThat(Arrays.hashCode(other)).isEqualTo(Arrays.hashCode(prompt));
    finish(begin(prompt));
    assertThat(reused(other)).isZero();
  }

  @Test
  void whoComesLaterWaitsForWhoComputes() {
    cache(Specs.layers(0), 1024);
    Sequence first = begin(ids(0, 100));
    Sequence second = Specs.row("q", join(ids(0, 70), ids(700, 9)));
    assertThat(blocks.find(second).isComing()).isTrue();
    compute(first, 33);
    assertThat(blocks.find(second).isComing()).as("two of four blocks").isTrue();
    Sequence other = Specs.row("q", join(ids(0, 30), ids(800, 9)));
    assertThat(blocks.find(other).isComing()).isFalse();
    assertThat(blocks.tokens(blocks.find(other))).isEqualTo(16);
    compute(first, 33);
    assertThat(blocks.tokens(blocks.find(second))).isEqualTo(64);
    blocks.begin(second, blocks.find(second));
    assertThat(list(second.globalBlocks)).isEqualTo(list(first.globalBlocks).subList(0, 4));
    compute(second, second.pending());
    assertThat(second.globalBlocks.get(4)).isNotEqualTo(first.globalBlocks.get(4));
    assertThat(blocks.peakTokens()).as("shared ones once").isEqualTo(66 + 15);
  }

  @Test
  void whoNeverFillsItHoldsNobodyUp() {
    cache(Specs.layers(0), 1024);
    Sequence first = begin(ids(0, 100));
    Sequence second = Specs.row("q", ids(0, 90));
    assertThat(blocks.find(second).isComing()).isTrue();
    blocks.release(first);
    assertThat(blocks.find(second)).isEqualTo(SharedPrefix.NONE);
    assertThat(blocks.knownPrefixes()).isZero();
  }

  @Test
  void equalBlocksOfTwoBecomeOne() {
    cache(Specs.layers(0), 1024);
    Sequence first = Specs.row("q", ids(0, 40));
    Sequence second = Specs.row("q", ids(0, 40));
    SharedPrefix nothing = blocks.find(first);
    blocks.begin(first, nothing);
    blocks.begin(second, nothing);
    compute(first, 40);
    compute(second, 40);
    assertThat(list(second.globalBlocks).subList(0, 2))
        .isEqualTo(list(first.globalBlocks).subList(0, 2));
    Sequence third = begin(ids(200, 32));
    compute(third, 32);
    assertThat(blocks.blocksInUse(KvGroup.GLOBAL)).as("two have been freed").isEqualTo(6);
    blocks.release(first);
    blocks.release(second);
    assertThat(reused(ids(0, 40))).isEqualTo(32);
  }

  @Test
  void theLeastRecentlyUsedGoesFirstAndItsBeginningLast() {
    cache(Specs.layers(0), 160);
    finish(begin(ids(0, 48)));
    finish(begin(ids(1000, 48)));
    finish(begin(join(ids(0, 16), ids(300, 16))));
    assertThat(blocks.knownPrefixes()).isEqualTo(7);
    // Three blocks have never been used; two more are wanted.
    Sequence large = begin(ids(2000, 80));
    compute(large, 80);
    assertThat(reused(ids(0, 49))).as("its last two went first").isEqualTo(16);
    assertThat(reused(ids(1000, 49))).isEqualTo(48);
    assertThat(reused(join(ids(0, 16), ids(300, 17)))).isEqualTo(32);
  }

  @Test
  void whatIsHeldIsNotTaken() {
    cache(Specs.layers(0), 64);
    Sequence first = begin(ids(0, 33));
    compute(first, 33);
    Sequence second = begin(ids(500, 16));
    assertThat(blocks.canBegin(SharedPrefix.NONE, 16, 512)).isTrue();
    assertThat(blocks.canBegin(SharedPrefix.NONE, 17, 512)).isFalse();
    assertThat(blocks.reserve(second, 17)).isFalse();
    blocks.release(first);
    SharedPrefix prefix = blocks.find(Specs.row("q", ids(0, 64)));
    assertThat(prefix.blocks()).isEqualTo(2);
    assertThat(blocks.canBegin(prefix, 64, 512)).isTrue();
    assertThat(blocks.canBegin(prefix, 65, 512)).isFalse();
    assertThat(blocks.reserve(second, 64)).as("what is idle can be taken").isTrue();
    assertThat(blocks.knownPrefixes()).as("what it will fill itself").isEqualTo(1);
  }

  @Test
  void behindAClosedChunkOnlyTheOpenOneIsNeeded() {
    cache(Specs.layers(32, 0), 1024);
    finish(begin(ids(0, 96)));
    Sequence next = begin(ids(0, 90));
    assertThat(next.computed()).isEqualTo(80);
    assertThat(next.firstChunkedBlock).isEqualTo(4);
    assertThat(next.chunkedBlocks.size()).isEqualTo(1);
    assertThat(next.globalBlocks.size()).isEqualTo(5);
    Sequence atTheEnd = begin(ids(0, 70));
    assertThat(atTheEnd.computed()).as("a chunk has just closed").isEqualTo(64);
    assertThat(atTheEnd.chunkedBlocks.isEmpty()).isTrue();
  }

  @Test
  void withoutItsOpenChunkAPrefixEndsWhereOneCloses() {
    blocks = new KvBlocks(Specs.layers(64, 0), 1024, 128, true);
    Sequence first = begin(ids(0, 128));
    compute(first, 64);
    compute(first, 64);
    Sequence other = begin(ids(5000, 112));
    // The chunked group's eight blocks have seven new holders: of the first 128 tokens' blocks the
    // last that were used is left.
    compute(other, 112);
    assertThat(reused(ids(0, 64))).as("of the first chunk one block").isLessThan(32);
    assertThat(reused(ids(0, 65))).as("the first chunk is not seen").isEqualTo(64);
    assertThat(reused(ids(0, 129))).isEqualTo(128);
  }

  @Test
  void continuationsThatAreRolledBackAreNotShared() {
    cache(Specs.layers(0), 1024);
    List<int[]> continuations = List.of(ids(40, 30), ids(400, 30));
    Sequence choice =
        new Sequence(
            new Submission("q", 1, () -> {}), 0, ids(0, 40), new PromptBatch.Choose(continuations));
    blocks.begin(choice, blocks.find(choice));
    compute(choice, choice.pending());
    assertThat(reused(ids(0, 69))).as("of the prompt alone").isEqualTo(32);
    assertThat(Objects.requireNonNull(choice.choice).advance(choice)).isTrue();
    blocks.forgotten(29);
    compute(choice, choice.pending());
    blocks.release(choice);
    assertThat(reused(ids(0, 69))).isEqualTo(32);
    assertThat(reused(join(ids(0, 40), ids(400, 29)))).as("the last").isEqualTo(64);
  }

  /// What lies in the blocks: for each token all that it depends on.
  private static final class Memory {
    final int size;
    final int chunk;
    final Map<Integer, int[]> global = new HashMap<>();
    final Map<Integer, int[]> chunked = new HashMap<>();

    Memory(int size, int chunk) {
      this.size = size;
      this.chunk = chunk;
    }

    private static int value(Sequence sequence, int position) {
      return Arrays.hashCode(sequence.tokens().copy(0, position + 1));
    }

    void write(Sequence sequence, int position) {
      write(global, sequence.globalBlocks, position, 0, value(sequence, position));
      int first = sequence.firstChunkedBlock;
      write(chunked, sequence.chunkedBlocks, position, first, value(sequence, position));
    }

    private void write(
        Map<Integer, int[]> blocks, IntList held, int position, int first, int value) {
      if (!held.isEmpty()) {
        int block = held.get(position / size - first);
        blocks.computeIfAbsent(block, id -> new int[size])[position % size] = value;
      }
    }

    void check(Sequence sequence) {
      int open = chunk == 0 ? 0 : sequence.computed() - sequence.computed() % chunk;
      check(sequence, global, sequence.globalBlocks, 0, 0);
      check(sequence, chunked, sequence.chunkedBlocks, sequence.firstChunkedBlock, open);
    }

    private void check(
        Sequence sequence, Map<Integer, int[]> blocks, IntList held, int first, int from) {
      for (int position = from; position < sequence.computed() && !held.isEmpty(); position++) {
        int[] values = blocks.getOrDefault(held.get(position / size - first), new int[size]);
        assertThat(values[position % size]).isEqualTo(value(sequence, position));
      }
    }
  }

  /// Rows that come, are computed piece by piece, give way and end in a random order, in a cache
  /// that is always full: every position of every row reads the block that its own tokens filled.
  @ParameterizedTest
  @CsvSource({"0, 0, 1", "8, 0, 2", "8, 8, 3", "12, 0, 4", "0, 0, 5", "32, 0, 6"})
  void everyoneReadsWhatItsOwnTokensWrote(int chunk, int otherChunk, long seed) {
    cache(Specs.layers(chunk, otherChunk), 160);
    Memory memory = new Memory(blocks.blockTokens().values().iterator().next(), chunk);
    Random random = new Random(seed);
    List<Sequence> running = new ArrayList<>();
    int shared = 0;
    for (int step = 0; step < 5000; step++) {
      if (running.size() < 4) {
        Sequence sequence = randomRow(random);
        SharedPrefix prefix = blocks.find(sequence);
        if (!prefix.isComing() && blocks.canBegin(prefix, sequence.length(), 7)) {
          blocks.begin(sequence, prefix);
          running.add(sequence);
          shared += sequence.computed();
        }
      }
      Sequence sequence = running.get(random.nextInt(running.size()));
      int count = Math.min(1 + random.nextInt(7), sequence.pending());
      if (random.nextInt(20) == 0 || !blocks.reserve(sequence, sequence.computed() + count)) {
        blocks.release(sequence);
        running.remove(sequence);
        continue;
      }
      for (int i = 0; i < count; i++) {
        memory.write(sequence, sequence.computed() + i);
      }
      blocks.stored(count);
      sequence.commit(count);
      blocks.settle(sequence);
      memory.check(sequence);
      if (sequence.pending() == 0) {
        sequence.tokens().add(random.nextInt(2));
      }
    }
    running.forEach(blocks::release);
    assertThat(shared).isGreaterThan(1000);
    assertThat(blocks.canBegin(SharedPrefix.NONE, 160, 7)).as("nothing is lost").isTrue();
    assertThat(blocks.knownPrefixes()).isLessThanOrEqualTo(2 * 160 / memory.size);
    Sequence all = Specs.row("q", ids(1000, 160));
    assertThat(blocks.reserve(all, 160)).isTrue();
    assertThat(blocks.knownPrefixes()).as("everything has been taken").isZero();
  }

  /// One of a few beginnings, and something of its own.
  private static Sequence randomRow(Random random) {
    int[] prompt = random.ints(1 + random.nextInt(60), 0, 2).toArray();
    Arrays.fill(prompt, 0, random.nextInt(prompt.length), 7);
    return Specs.row("q", prompt);
  }
}

package io.sparkllama4.backend.cuda;

import io.sparkllama4.backend.SampleResult;
import io.sparkllama4.backend.SampleRow;
import io.sparkllama4.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Samples on the device: what is asked of all rows goes there in one copy, and only ids and
/// log-probabilities come back, in another. Used on the device's thread.
final class CudaSampler implements AutoCloseable {
  private static final int THREADS = 512;

  /// Of a row of logits: a thread counts its tokens in 16 bits.
  private static final int MOST_TOKENS = 1 << 25;

  private final KernelSet kernels;
  private final CudaStream stream;
  private final Scratch scratch;

  /// Both grow to what the largest call so far has needed.
  private @Nullable PinnedMemory request;

  private @Nullable Readback answers;
  private long answerBytes;

  CudaSampler(KernelSet kernels, CudaStream stream, Scratch scratch) {
    this.kernels = kernels;
    this.stream = stream;
    this.scratch = scratch;
  }

  /// As [io.sparkllama4.backend.Kernels#sample].
  List<SampleResult> sample(Tensor logits, List<SampleRow> rows) {
    return sample(logits, rows, null);
  }

  /// The same among the tokens that are allowed. Log-probabilities and alternatives are those of
  /// the whole vocabulary. A row with no token that is allowed has [SampleResult#NOT_A_NUMBER].
  ///
  /// @param logits `[R, V]`; destroyed
  /// @param allowed I32 `[R, (V + 31) / 32]`, bit `t % 32` of word `t / 32` for token t; null for
  ///     all tokens
  List<SampleResult> sample(Tensor logits, List<SampleRow> rows, @Nullable Tensor allowed) {
    if (rows.isEmpty()) {
      return List.of();
    }
    long tokens = logits.rowElements();
    if (tokens > MOST_TOKENS || rows.size() > logits.rows()) {
      throw new IllegalArgumentException(
          "Cannot sample ["
              + rows.size()
              + "] rows of logits of "
              + logits.shape()
              + ": at most ["
              + MOST_TOKENS
              + "] tokens are possible");
    }
    SampleRequest asked = new SampleRequest(rows, (int) tokens);
    MemorySegment words = requestMemory(asked.bytes()).segment();
    asked.write(words);
    long device = scratch.address(Scratch.Use.SAMPLE_REQUEST, grown(asked.bytes()));
    long result = scratch.address(Scratch.Use.SAMPLE_RESULT, grown(asked.resultBytes()));
    long originals =
        scratch.address(Scratch.Use.SAMPLE_WORK, grown((long) Float.BYTES * asked.penalties()));
    stream.copyToDevice(words, device, asked.bytes());
    kernels
        .of("sample")
        .begin()
        .pointer(logits)
        .integer((int) tokens)
        .pointer(device)
        .integer(rows.size())
        .pointer(allowed == null ? 0 : allowed.data().address())
        .pointer(originals)
        .pointer(result)
        .run(stream, rows.size(), 1, 1, THREADS, 0);
    return results(rows, answerMemory(asked.resultBytes()).read(result, asked.resultBytes()));
  }

  /// Pinned memory that no copy reads any more: every call waits for its answers.
  private PinnedMemory requestMemory(long bytes) {
    PinnedMemory known = request;
    if (known != null && known.bytes() >= bytes) {
      return known;
    }
    if (known != null) {
      stream.synchronize(); // A call that failed may have left a copy under way.
      request = null;
      known.close();
    }
    PinnedMemory made = PinnedMemory.allocate(stream.device(), grown(bytes));
    request = made;
    return made;
  }

  private Readback answerMemory(long bytes) {
    Readback known = answers;
    if (known != null && answerBytes >= bytes) {
      return known;
    }
    if (known != null) {
      answers = null;
      known.close();
    }
    Readback made = new Readback(stream, grown(bytes));
    answers = made;
    answerBytes = grown(bytes);
    return made;
  }

  /// Room for some more, so that penalties that grow by a token at a time seldom move it.
  private static long grown(long bytes) {
    return Math.max(4096, Long.highestOneBit(bytes) * 2);
  }

  private static List<SampleResult> results(List<SampleRow> rows, MemorySegment words) {
    List<SampleResult> results = new ArrayList<>(rows.size());
    long at = 0;
    for (SampleRow row : rows) {
      int id = words.getAtIndex(ValueLayout.JAVA_INT, at);
      int logprobs = SampleRequest.logprobs(row);
      int alternatives = SampleRequest.alternatives(row);
      boolean isBroken = id == SampleResult.NOT_A_NUMBER;
      results.add(
          new SampleResult(
              id,
              floats(words, at + 1, isBroken ? 0 : logprobs),
              slice(words, at + 1 + logprobs, isBroken ? 0 : alternatives)
                  .toArray(ValueLayout.JAVA_INT),
              floats(words, at + 1 + logprobs + alternatives, isBroken ? 0 : alternatives)));
      at += 1L + logprobs + 2L * alternatives;
    }
    return results;
  }

  private static float[] floats(MemorySegment words, long from, int count) {
    return slice(words, from, count).toArray(ValueLayout.JAVA_FLOAT);
  }

  private static MemorySegment slice(MemorySegment words, long from, int count) {
    return words.asSlice(Integer.BYTES * from, (long) Integer.BYTES * count);
  }

  @Override
  public void close() {
    Failures failures = new Failures();
    Readback read = answers;
    if (read != null) {
      failures.attempt(read::close);
    }
    PinnedMemory pinned = request;
    if (pinned != null) {
      if (read == null && stream.device().isUsable()) {
        // The only call failed, and its copy may be under way.
        failures.attempt(() -> stream.device().run(stream::synchronize));
      }
      failures.attempt(pinned::close);
    }
    failures.rethrow();
  }
}

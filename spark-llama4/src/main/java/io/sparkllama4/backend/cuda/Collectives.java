package io.sparkllama4.backend.cuda;

import io.sparkllama4.backend.cuda.ffi.Nccl;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;

/// Sums over ranks by NCCL, where the host has it and nobody asks for strict sums: the order in
/// which it adds depends on how much is added, and so on what shares a step.
final class Collectives implements AutoCloseable {
  /// How long a rank waits before it looks again whether its step is over.
  private static final long LOOK_NANOS = 20_000;

  private final Optional<Nccl> nccl;
  private final String detail;
  private final List<Long> communicators;

  /// Whether a rank has failed. The communicators end then, each by the thread that uses it, and
  /// later sums go from device to device.
  private volatile boolean failed;

  private Collectives(Optional<Nccl> nccl, String detail, List<Long> communicators) {
    this.nccl = nccl;
    this.detail = detail;
    this.communicators = communicators;
  }

  private static Collectives none(String reason) {
    return new Collectives(
        Optional.empty(), "sums over ranks by copies between devices (" + reason + ")", List.of());
  }

  /// Those of `devices`, or none, with the reason.
  static Collectives open(List<CudaDevice> devices, boolean strict) {
    if (strict) {
      return none("strict: NCCL's order of sums depends on what shares a step");
    }
    Nccl.Found found = Nccl.find(Nccl.SOURCES);
    if (found.nccl().isEmpty()) {
      return none("no NCCL: " + found.reason());
    }
    Nccl nccl = found.nccl().get();
    try (Arena arena = Arena.ofConfined()) {
      int count = devices.size();
      MemorySegment made = arena.allocate(ValueLayout.JAVA_LONG, count);
      MemorySegment numbers = arena.allocate(ValueLayout.JAVA_INT, count);
      for (int i = 0; i < count; i++) {
        numbers.setAtIndex(ValueLayout.JAVA_INT, i, devices.get(i).info().ordinal());
      }
      int result = nccl.commInitAll(made, count, numbers);
      if (result != 0) {
        return none("NCCL [" + nccl.origin() + "] cannot begin on them: " + nccl.describe(result));
      }
      List<Long> communicators = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        communicators.add(made.getAtIndex(ValueLayout.JAVA_LONG, i));
      }
      return new Collectives(
          Optional.of(nccl), "sums over ranks by NCCL " + nccl.version(), communicators);
    }
  }

  /// How sums over ranks are taken, and why so.
  String detail() {
    return detail;
  }

  /// A link that sums by NCCL, where it is there, and does all else through `peers`.
  CudaLink over(CudaLink peers, int rank, CudaStream stream) {
    return nccl.<CudaLink>map(library -> new Link(library, peers, rank, stream)).orElse(peers);
  }

  private final class Link implements CudaLink {
    private final Nccl library;
    private final CudaLink peers;
    private final int rank;
    private final CudaStream stream;

    /// Whether this rank's communicator has ended.
    private boolean ended;

    Link(Nccl library, CudaLink peers, int rank, CudaStream stream) {
      this.library = library;
      this.peers = peers;
      this.rank = rank;
      this.stream = stream;
    }

    @Override
    public void allReduce(List<Tensor> partials) {
      if (failed) {
        peers.allReduce(partials);
        return;
      }
      for (Tensor partial : partials) {
        long count = partial.shape().elements();
        if (count == 0) {
          continue;
        }
        int result =
            library.sum(partial.data().address(), count, communicators.get(rank), stream.handle());
        if (result != 0) {
          throw ErrorReport.of(
                  ErrorCode.DEVICE_ERROR,
                  "ncclAllReduce(count = "
                      + count
                      + ") on CUDA "
                      + stream.device().info()
                      + " failed with "
                      + library.describe(result))
              .exception();
        }
      }
    }

    @Override
    public void gatherColumns(Tensor part, Tensor whole) {
      peers.gatherColumns(part, whole);
    }

    /// Looks again and again: where another rank has failed, this one's kernels would wait for it
    /// for ever, unless its communicator is aborted.
    @Override
    public void await(CudaStream stream) {
      while (!failed && !stream.isIdle()) {
        LockSupport.parkNanos(LOOK_NANOS);
      }
      if (failed) {
        end();
      }
      stream.synchronize();
    }

    @Override
    public void fail() {
      failed = true;
      end();
    }

    private void end() {
      if (!ended) {
        ended = true;
        // What it returns is of no use: nothing can be done about it, and nothing uses it again.
        int ignored = library.commAbort(communicators.get(rank));
      }
    }
  }

  /// Those that were aborted have been given back.
  @Override
  public void close() {
    if (!failed) {
      failed = true;
      nccl.ifPresent(library -> communicators.forEach(library::commDestroy));
    }
  }
}

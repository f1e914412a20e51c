package io.sparkllama4.backend.cpu;

import io.sparkllama4.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Where the ranks of one model meet within a step and read what the others have made.
///
/// Who waits sleeps: ranks of one machine may be more than its processors. A rank that fails says
/// so here, and nobody waits for it any more.
final class RankExchange {
  private final int ranks;

  /// By rank, what it lets the others see between two meetings.
  private final List<List<Tensor>> shown;

  private int arrived;
  private long meetings;
  private @Nullable Throwable failure;

  RankExchange(int ranks) {
    this.ranks = ranks;
    this.shown = new ArrayList<>();
    for (int rank = 0; rank < ranks; rank++) {
      shown.add(List.of());
    }
  }

  /// Ends a rank's part in a step that another rank cannot finish.
  private static final class AbandonedStepException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    AbandonedStepException() {
      super("Another rank has failed in this step");
    }
  }

  /// Begins a step, which knows nothing of failures before it. No rank is in a step now.
  synchronized void begin() {
    arrived = 0;
    failure = null;
  }

  /// Ends the step on all ranks; the first failure is the one that is told.
  synchronized void fail(Throwable cause) {
    if (failure == null) {
      failure = cause;
      notifyAll();
    }
  }

  /// What has ended the step early.
  synchronized Optional<Throwable> failure() {
    return Optional.ofNullable(failure);
  }

  /// Waits until all ranks are here.
  private synchronized void meet() {
    if (failure != null) {
      throw new AbandonedStepException();
    }
    arrived++;
    if (arrived == ranks) {
      arrived = 0;
      meetings++;
      notifyAll();
      return;
    }
    long mine = meetings;
    boolean interrupted = false;
    while (meetings == mine && failure == null) {
      try {
        wait();
      } catch (InterruptedException e) {
        // The other ranks need this one: who interrupts is heard when the step is over.
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    if (meetings == mine) {
      throw new AbandonedStepException();
    }
  }

  private void show(int rank, List<Tensor> tensors) {
    synchronized (this) {
      shown.set(rank, tensors);
    }
    meet();
  }

  private synchronized List<Tensor> shown(int index) {
    return shown.stream().map(tensors -> tensors.get(index)).toList();
  }

  /// The link of rank `rank`.
  RankLink link(int rank) {
    return new RankLink() {
      @Override
      public void allReduce(List<Tensor> partials, Adder adder) {
        show(rank, partials);
        for (int i = 0; i < partials.size(); i++) {
          reduce(rank, shown(i), adder);
        }
        meet();
      }

      @Override
      public void gatherColumns(Tensor part, Tensor whole) {
        show(rank, List.of(part));
        if (rank == 0) {
          gather(shown(0), whole);
        }
        meet();
      }
    };
  }

  /// Each rank sums a part of the elements, over all ranks in their order, and gives the sums to
  /// all.
  private void reduce(int rank, List<Tensor> partials, RankLink.Adder adder) {
    Tensor target = partials.getFirst();
    long all = target.shape().elements();
    long first = rank * all / ranks;
    long count = (rank + 1) * all / ranks - first;
    long offset = Float.BYTES * first;
    for (Tensor addend : partials.subList(1, ranks)) {
      adder.add(addend, target, offset, count);
    }
    MemorySegment sums = target.data().asSlice(offset, Float.BYTES * count);
    for (Tensor other : partials.subList(1, ranks)) {
      other.data().asSlice(offset, Float.BYTES * count).copyFrom(sums);
    }
  }

  private static void gather(List<Tensor> parts, Tensor whole) {
    long stride = Float.BYTES * whole.rowElements();
    long column = 0;
    for (Tensor part : parts) {
      long width = Float.BYTES * part.rowElements();
      for (int row = 0; row < part.rows(); row++) {
        MemorySegment.copy(part.data(), row * width, whole.data(), row * stride + column, width);
      }
      column += width;
    }
  }
}

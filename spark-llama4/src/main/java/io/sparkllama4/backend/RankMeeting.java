package io.sparkllama4.backend;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Where the ranks of one model meet within a step and let each other see something.
///
/// Who waits sleeps: ranks of one machine may be more than its processors. A rank that fails says
/// so here, and nobody waits for it any more.
///
/// @param <T> what ranks show each other
public final class RankMeeting<T> {
  private final int ranks;

  /// By rank, what it lets the others see between two meetings.
  private final List<@Nullable T> shown = new ArrayList<>();

  private int arrived;
  private long meetings;
  private @Nullable Throwable failure;

  /// A meeting of `ranks` ranks.
  public RankMeeting(int ranks) {
    this.ranks = ranks;
    for (int rank = 0; rank < ranks; rank++) {
      shown.add(null);
    }
  }

  /// Ends a rank's part in a step that another rank cannot finish.
  private static final class AbandonedStepException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    AbandonedStepException() {
      super("Another rank has failed in this step");
    }
  }

  /// How many meet.
  public int ranks() {
    return ranks;
  }

  /// Begins a step, which knows nothing of failures before it. No rank is in a step now.
  public synchronized void begin() {
    arrived = 0;
    failure = null;
  }

  /// Ends the step on all ranks; the first failure is the one that is told.
  public synchronized void fail(Throwable cause) {
    if (failure == null) {
      failure = cause;
      notifyAll();
    }
  }

  /// What has ended the step early.
  public synchronized Optional<Throwable> failure() {
    return Optional.ofNullable(failure);
  }

  /// Waits until all ranks are here.
  public synchronized void meet() {
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

  /// Shows something to all ranks, and waits for what they show, by rank. They meet again before
  /// anyone shows something else.
  public List<T> show(int rank, T mine) {
    synchronized (this) {
      shown.set(rank, mine);
    }
    meet();
    synchronized (this) {
      List<T> all = new ArrayList<>();
      for (T one : shown) {
        if (one == null) {
          throw new IllegalStateException("A rank has met others without showing anything");
        }
        all.add(one);
      }
      return all;
    }
  }
}

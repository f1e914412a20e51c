package io.sparkllama4.backend.cpu;

import io.sparkllama4.backend.RankMeeting;
import io.sparkllama4.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.List;

/// What the ranks of the processor read of each other within a step.
final class RankExchange {
  private final int ranks;
  private final RankMeeting<List<Tensor>> meeting;

  RankExchange(int ranks) {
    this.ranks = ranks;
    this.meeting = new RankMeeting<>(ranks);
  }

  /// Where they meet.
  RankMeeting<List<Tensor>> meeting() {
    return meeting;
  }

  /// The link of rank `rank`.
  RankLink link(int rank) {
    return new RankLink() {
      @Override
      public void allReduce(List<Tensor> partials, Adder adder) {
        List<List<Tensor>> shown = meeting.show(rank, partials);
        for (int i = 0; i < partials.size(); i++) {
          int index = i;
          reduce(rank, shown.stream().map(tensors -> tensors.get(index)).toList(), adder);
        }
        meeting.meet();
      }

      @Override
      public void gatherColumns(Tensor part, Tensor whole) {
        List<List<Tensor>> shown = meeting.show(rank, List.of(part));
        if (rank == 0) {
          gather(shown.stream().map(List::getFirst).toList(), whole);
        }
        meeting.meet();
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

package io.sparkllama4.backend.cuda;

import io.sparkllama4.backend.RankMeeting;
import io.sparkllama4.tensor.Tensor;
import java.util.List;

/// What the devices of one model give each other within a step: copies between their memories, in
/// an order that events keep on the devices, while their threads only meet to say what to copy.
final class CudaPeers {
  private final RankMeeting<Shown> meeting;

  CudaPeers(int ranks) {
    meeting = new RankMeeting<>(ranks);
  }

  /// What a rank lets the others see.
  ///
  /// @param device whose memory it is
  /// @param tensors in it
  /// @param ready behind the work that made them
  /// @param done recorded behind what the rank does with those of others
  private record Shown(CudaDevice device, List<Tensor> tensors, CudaEvent ready, CudaEvent done) {}

  RankMeeting<?> meeting() {
    return meeting;
  }

  /// The link of rank `rank`, whose events live as long as its device.
  CudaLink link(int rank, KernelSet kernels, CudaStream stream, Scratch scratch) {
    return new Link(
        rank,
        kernels,
        stream,
        scratch,
        CudaEvent.create(stream.device(), false),
        CudaEvent.create(stream.device(), false));
  }

  private final class Link implements CudaLink {
    private final int rank;
    private final KernelSet kernels;
    private final CudaStream stream;
    private final Scratch scratch;
    private final CudaEvent ready;
    private final CudaEvent done;

    Link(
        int rank,
        KernelSet kernels,
        CudaStream stream,
        Scratch scratch,
        CudaEvent ready,
        CudaEvent done) {
      this.rank = rank;
      this.kernels = kernels;
      this.stream = stream;
      this.scratch = scratch;
      this.ready = ready;
      this.done = done;
    }

    @Override
    public void allReduce(List<Tensor> partials) {
      List<Shown> all = begin(partials);
      for (int i = 0; i < partials.size(); i++) {
        reduce(all, i);
      }
      end(all);
    }

    /// Shows `tensors`, and lets this device wait for those of all others.
    private List<Shown> begin(List<Tensor> tensors) {
      ready.record(stream);
      List<Shown> all = meeting.show(rank, new Shown(stream.device(), tensors, ready, done));
      for (int other = 0; other < all.size(); other++) {
        if (other != rank) {
          stream.await(all.get(other).ready());
        }
      }
      return all;
    }

    /// Lets this device wait until no other needs its tensors, and has filled them.
    private void end(List<Shown> all) {
      done.record(stream);
      meeting.meet();
      for (int other = 0; other < all.size(); other++) {
        if (other != rank) {
          stream.await(all.get(other).done());
        }
      }
    }

    /// Sums this rank's part of the elements over all ranks, and gives the sums to all.
    private void reduce(List<Shown> all, int index) {
      int ranks = all.size();
      Tensor own = all.get(rank).tensors().get(index);
      long elements = own.shape().elements();
      long first = rank * elements / ranks;
      long count = (rank + 1) * elements / ranks - first;
      long bytes = Float.BYTES * count;
      if (count == 0) {
        return;
      }
      long copies = scratch.address(Scratch.Use.RANK_SUMS, bytes * (ranks - 1));
      long offset = Float.BYTES * first;
      long next = copies;
      for (int other = 0; other < ranks; other++) {
        if (other != rank) {
          long from = all.get(other).tensors().get(index).data().address() + offset;
          stream.copyFrom(all.get(other).device(), from, next, bytes);
          next += bytes;
        }
      }
      long target = own.data().address() + offset;
      kernels
          .of("sum_ranks")
          .begin()
          .pointer(copies)
          .integer(rank)
          .integer(ranks)
          .number(count)
          .pointer(target)
          .run(stream, Math.toIntExact(Math.ceilDiv(count, 256L)), 1, 1, 256, 0);
      for (int other = 0; other < ranks; other++) {
        if (other != rank) {
          long to = all.get(other).tensors().get(index).data().address() + offset;
          stream.copyTo(all.get(other).device(), target, to, bytes);
        }
      }
    }

    @Override
    public void gatherColumns(Tensor part, Tensor whole) {
      List<Shown> all = begin(List.of(part));
      if (rank == 0 && whole.rows() > 0) {
        long column = 0;
        for (int other = 0; other < all.size(); other++) {
          Tensor theirs = all.get(other).tensors().getFirst();
          long from = theirs.data().address();
          if (other > 0) {
            long bytes = theirs.data().byteSize();
            long copy = scratch.address(Scratch.Use.RANK_SUMS, bytes);
            stream.copyFrom(all.get(other).device(), from, copy, bytes);
            from = copy;
          }
          kernels
              .of("copy_columns")
              .begin()
              .pointer(from)
              .integer((int) theirs.rowElements())
              .pointer(whole.data().address() + Float.BYTES * column)
              .number(whole.rowElements())
              .run(stream, whole.rows(), 1, 1, 256, 0);
          column += theirs.rowElements();
        }
      }
      end(all);
    }
  }
}

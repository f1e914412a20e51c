package io.sparkllama4.backend;

import io.sparkllama4.tensor.Allocator;
import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.Tensor;
import io.sparkllama4.tensor.TensorSpec;
import java.util.List;
import java.util.Optional;
import java.util.function.IntConsumer;

/// A device that one engine computes on, or the first of several that share its model. Used from
/// the engine's thread alone, in [#together] on its behalf, others of the ranks from the bodies of
/// steps.
public interface Backend extends AutoCloseable {
  /// The name of its provider: `cpu`.
  String name();

  /// The kernel path that it took: `scalar`, `vector`.
  String kernelPath();

  /// What the kernel path is made of, and why no faster one was taken: for people.
  String kernelDetail();

  /// The ranks that share the model, in their order: this one, which the engine speaks to, and
  /// others that live as long. Each has memory, kernels and threads of its own.
  List<Backend> ranks();

  /// Compute threads of all ranks.
  int threads();

  /// Whether sums are taken in an order that does not depend on what shares the step.
  boolean isStrict();

  /// The kernels.
  Kernels kernels();

  /// Memory that can still be allocated, in bytes, as far as the machine tells.
  long freeBytes();

  /// Bytes that all ranks have allocated and not given back.
  long allocatedBytes();

  /// Memory of the backend for a new owner, who closes it before the backend.
  Allocator allocator();

  /// The name and version of the order in which weights of `form` lie in memory, which changes
  /// whenever their bytes do; empty where they stay where they are stored.
  Optional<String> layout(WeightForm form);

  /// Whether weights are read where the host has them, so that they can lie in a mapped file.
  boolean readsHostMemory();

  /// What [#place(Linear, Placement, int, WeightForm, Allocator)] allocates, in its order.
  List<TensorSpec> plan(Linear stored, Placement placement, int parts, WeightForm form);

  /// What [#place(Tensor, Allocator)] allocates.
  List<TensorSpec> plan(Tensor stored);

  /// Begins to read stored weights, which will be placed one after the other.
  ///
  /// @param stored in the order in which they will be placed
  ReadAhead readAhead(List<Linear> stored, WeightForm form);

  /// Brings stored weights into the form that is asked for and the order that the kernels read.
  ///
  /// @param placement what of them this rank holds
  /// @param parts parts that the result has: where `stored` has one and two are asked for, it is
  ///     cut into halves, as a gate and its up that are stored as one matrix
  /// @param memory owns what is made; what is stored as the kernels read it stays where it is, and
  ///     memory that is filled already is not filled again
  Linear place(Linear stored, Placement placement, int parts, WeightForm form, Allocator memory);

  /// Brings a stored vector, such as a norm's weights, into the form that the kernels read.
  Tensor place(Tensor stored, Allocator memory);

  /// Brings a table, of which a step reads single rows, to where the kernels read it.
  ///
  /// @param memory owns what is made; a table that is read where it is stored stays there
  Tensor placeTable(Tensor stored, Allocator memory);

  /// How keys and values are kept.
  KvForm kv();

  /// What stands in a tensor now, where the host can read it: the tensor itself, or a copy.
  Tensor readable(Tensor value);

  /// Where routings of up to `tokens` tokens are kept.
  ///
  /// @param tokens most tokens of a step
  /// @param experts number of experts
  /// @param chosen experts per token
  /// @param memory whose lifetime the routing shares
  Routing allocateRouting(int tokens, int experts, int chosen, Allocator memory);

  /// Writes the first `count` of `values` to an I32 tensor.
  void write(int[] values, int count, Tensor target);

  /// Measures what the machine can do at best; takes about half a second. The first call takes
  /// longer, and memory that is kept until the backend is closed. Empty where the backend measures
  /// none: the self-test of devices does that.
  Optional<Ceilings> measureCeilings();

  /// Runs `body`, which calls this backend again and again: one whose calls go to a thread of its
  /// own runs all of it there, so that the caller waits for that thread once instead of each time.
  default void together(Runnable body) {
    body.run();
  }

  /// Runs the body of one step on all ranks at once, each on a thread of its own, the first on the
  /// caller's. The body only calls kernels of its rank, takes no branch on data, allocates nothing
  /// and uses fixed memory, so that a device may record it once per shape and replay it.
  ///
  /// Where it fails on one rank, it ends on all, and the failure of that rank is thrown here.
  ///
  /// @param body takes the rank, 0 for this one
  void step(IntConsumer body);

  /// Runs a step that is like all others of its shape: a device may record the body once, and
  /// replay what it has recorded from then on.
  default void step(StepShape shape, IntConsumer body) {
    step(body);
  }

  /// How many tokens a step of `sequences` single tokens is filled up to, so that there are few
  /// shapes.
  default int paddedSequences(int sequences) {
    return sequences;
  }

  /// Gives all memory and threads back.
  @Override
  void close();
}

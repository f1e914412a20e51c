package io.sparkllama4.backend;

import io.sparkllama4.tensor.Allocator;
import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.Tensor;
import io.sparkllama4.tensor.TensorSpec;
import java.util.List;
import java.util.Optional;

/// A device, or a set of them, that one engine computes on. Used from the engine's thread alone.
public interface Backend extends AutoCloseable {
  /// The name of its provider: `cpu`.
  String name();

  /// The kernel path that it took: `scalar`, `vector`.
  String kernelPath();

  /// What the kernel path is made of, and why no faster one was taken: for people.
  String kernelDetail();

  /// Compute threads.
  int threads();

  /// Whether sums are taken in an order that does not depend on what shares the step.
  boolean isStrict();

  /// The kernels.
  Kernels kernels();

  /// Memory that can still be allocated, in bytes, as far as the machine tells.
  long freeBytes();

  /// Bytes that this backend has allocated and not given back.
  long allocatedBytes();

  /// Memory of the backend for a new owner, who closes it before the backend.
  Allocator allocator();

  /// The name and version of the order in which weights of `form` lie in memory, which changes
  /// whenever their bytes do; empty where they stay where they are stored.
  Optional<String> layout(WeightForm form);

  /// What [#place(Linear, int, WeightForm, Allocator)] allocates, in its order.
  List<TensorSpec> plan(Linear stored, int parts, WeightForm form);

  /// What [#place(Tensor, Allocator)] allocates.
  List<TensorSpec> plan(Tensor stored);

  /// Begins to read stored weights, which will be placed one after the other.
  ///
  /// @param stored in the order in which they will be placed
  ReadAhead readAhead(List<Linear> stored, WeightForm form);

  /// Brings stored weights into the form that is asked for and the order that the kernels read.
  ///
  /// @param parts parts that the result has: where `stored` has one and two are asked for, it is
  ///     cut into halves, as a gate and its up that are stored as one matrix
  /// @param memory owns what is made; what is stored as the kernels read it stays where it is, and
  ///     memory that is filled already is not filled again
  Linear place(Linear stored, int parts, WeightForm form, Allocator memory);

  /// Brings a stored vector, such as a norm's weights, into the form that the kernels read.
  Tensor place(Tensor stored, Allocator memory);

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
  /// longer, and memory that is kept until the backend is closed.
  Ceilings measureCeilings();

  /// Runs the body of one step. The body only calls kernels, takes no branch on data, allocates
  /// nothing and uses fixed memory, so that a device may record it once per shape and replay it.
  void step(Runnable body);

  /// Gives all memory and threads back.
  @Override
  void close();
}

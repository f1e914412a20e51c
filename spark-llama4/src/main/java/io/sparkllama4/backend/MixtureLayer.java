package io.sparkllama4.backend;

import io.sparkllama4.tensor.Linear;
import io.sparkllama4.tensor.Tensor;
import java.util.List;

/// A mixture-of-experts layer in the manner of Llama 4: the `chosen` experts with the highest
/// router logits each get the input times the sigmoid of their logit; a shared expert gets it as it
/// is.
///
/// @param norm weight of the norm before it, `[H]`
/// @param epsilon added to the mean square in the norm
/// @param router `[E, H]`
/// @param chosen experts per token
/// @param expertGateUp gate and up of each routed expert of this rank, `[2F, H]`
/// @param expertDown the output projection of each of them, `[H, F]`
/// @param shared what every token passes through besides; may be empty
/// @param firstExpert index, among those of the router, of the first expert of this rank
public record MixtureLayer(
    Tensor norm,
    float epsilon,
    Linear router,
    int chosen,
    List<Linear> expertGateUp,
    List<Linear> expertDown,
    List<GatedMlp> shared,
    int firstExpert)
    implements FeedForward {

  /// Copies the lists.
  public MixtureLayer {
    expertGateUp = List.copyOf(expertGateUp);
    expertDown = List.copyOf(expertDown);
    shared = List.copyOf(shared);
  }

  /// A layer with all of its experts.
  public MixtureLayer(
      Tensor norm,
      float epsilon,
      Linear router,
      int chosen,
      List<Linear> expertGateUp,
      List<Linear> expertDown,
      List<GatedMlp> shared) {
    this(norm, epsilon, router, chosen, expertGateUp, expertDown, shared, 0);
  }

  /// The experts of this rank.
  public Span held() {
    return new Span(firstExpert, firstExpert + expertGateUp.size());
  }
}

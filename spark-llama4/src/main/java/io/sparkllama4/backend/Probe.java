package io.sparkllama4.backend;

import io.sparkllama4.tensor.Tensor;
import java.util.function.UnaryOperator;

/// Looks at named intermediates of a step while they are there. The names are those of the oracles:
/// `embed`, `layers.0.attn_norm`, `layers.0.q`, `logits`. Where several ranks share a model, the
/// first rank's is looked at: `q`, `k` and `v` are then those of its heads, all others are whole.
public interface Probe {
  /// Looks at nothing.
  Probe NONE =
      new Probe() {
        @Override
        public void see(String name, Tensor value) {}

        @Override
        public Probe layer(int index) {
          return this;
        }

        @Override
        public void see(String name, Routing routing) {}
      };

  /// Sees an intermediate, which the next kernel may overwrite.
  void see(String name, Tensor value);

  /// Sees a layer's routing.
  void see(String name, Routing routing);

  /// A probe that sees `view` of every tensor.
  default Probe through(UnaryOperator<Tensor> view) {
    Probe all = this;
    return new Probe() {
      @Override
      public void see(String name, Tensor value) {
        all.see(name, view.apply(value));
      }

      @Override
      public void see(String name, Routing routing) {
        all.see(name, routing);
      }

      @Override
      public Probe layer(int index) {
        return all.layer(index).through(view);
      }
    };
  }

  /// A probe that sees everything under the names of layer `index`.
  default Probe layer(int index) {
    Probe all = this;
    String prefix = "layers." + index + ".";
    return new Probe() {
      @Override
      public void see(String name, Tensor value) {
        all.see(prefix + name, value);
      }

      @Override
      public void see(String name, Routing routing) {
        all.see(prefix + name, routing);
      }
    };
  }
}

package io.sparkllama4.golden;

import io.sparkllama4.backend.Backend;
import io.sparkllama4.backend.Probe;
import io.sparkllama4.backend.Routing;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Tensor;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.UnaryOperator;

/// Intermediates of a sequence, seen on one backend and forced upon another before it goes on with
/// them: router logits, so that no expert is chosen by a hair, and keys and values, so that none is
/// rounded to another brain float by a hair.
final class Lesson {
  private final Map<String, float[]> taught = new HashMap<>();
  private final TreeSet<String> missing = new TreeSet<>();
  private double worst;

  private static boolean isLogits(String name) {
    return name.endsWith(".router_logits");
  }

  private static boolean isStored(String name) {
    return name.endsWith(".k") || name.endsWith(".v");
  }

  /// Notes router logits.
  Probe router() {
    return new Watcher() {
      @Override
      public void see(String name, Tensor value) {
        if (isLogits(name)) {
          taught.put(name, copy(value));
        }
      }
    };
  }

  /// Gives the router logits that were noted to a backend of the processor, rounds its keys and
  /// values before they are stored, as devices keep them, and notes them.
  ///
  /// @param type BF16 or F8_E4M3
  Probe rounded(DType type) {
    missing.addAll(taught.keySet());
    return new Watcher() {
      @Override
      public void see(String name, Tensor value) {
        if (isLogits(name)) {
          float[] logits = take(name);
          for (int i = 0; i < logits.length; i++) {
            value.set(i, logits[i]);
          }
        } else if (isStored(name)) {
          for (long i = 0; i < value.shape().elements(); i++) {
            value.set(i, type == DType.BF16 ? roundToBf16(value.at(i)) : roundToE4m3(value.at(i)));
          }
          taught.put(name, copy(value));
        }
      }
    };
  }

  /// Gives what was noted to `backend`.
  ///
  /// @param keysToo keys and values as well, of which the distances from its own are noted
  Probe given(Backend backend, boolean keysToo) {
    taught.keySet().stream().filter(name -> keysToo || isLogits(name)).forEach(missing::add);
    return new Watcher() {
      @Override
      public void see(String name, Tensor value) {
        if (!isLogits(name) && !(keysToo && isStored(name))) {
          return;
        }
        float[] values = take(name);
        if (isStored(name)) {
          compare(values, backend.readable(value));
        }
        int[] bits = new int[values.length];
        for (int i = 0; i < bits.length; i++) {
          bits[i] = Float.floatToRawIntBits(values[i]);
        }
        backend.write(bits, bits.length, value);
      }

      // Itself: it writes to what lies on the device, and needs no copy.
      @Override
      public Probe through(UnaryOperator<Tensor> view) {
        return this;
      }
    };
  }

  /// Names that were to be given, and were not.
  Set<String> missing() {
    return missing;
  }

  /// The largest distance of a key or value from the one that was given instead, relative to the
  /// largest of its layer.
  double worst() {
    return worst;
  }

  private void compare(float[] wanted, Tensor found) {
    double scale = 0;
    double distance = 0;
    for (int i = 0; i < wanted.length; i++) {
      scale = Math.max(scale, Math.abs(wanted[i]));
      distance = Math.max(distance, Math.abs(wanted[i] - found.at(i)));
    }
    worst = Math.max(worst, distance / scale);
  }

  private float[] take(String name) {
    float[] values = taught.get(name);
    if (values == null) {
      throw new AssertionError("Never seen: " + name);
    }
    missing.remove(name);
    return values;
  }

  private static float[] copy(Tensor value) {
    float[] copy = new float[(int) value.shape().elements()];
    for (int i = 0; i < copy.length; i++) {
      copy[i] = value.at(i);
    }
    return copy;
  }

  /// The nearest brain float, the even one of two.
  private static float roundToBf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    return Float.intBitsToFloat((bits + 0x7fff + (bits >>> 16 & 1)) & 0xffff0000);
  }

  /// The nearest number of 4 exponent and 3 mantissa bits, the even one of two; at most 448.
  private static float roundToE4m3(float value) {
    double magnitude = Math.min(448, Math.abs((double) value));
    double unit = Math.scalb(1.0, Math.max(Math.getExponent(magnitude), -6) - 3);
    return (float) Math.copySign(Math.min(448, Math.rint(magnitude / unit) * unit), value);
  }

  private abstract static class Watcher implements Probe {
    @Override
    public void see(String name, Routing routing) {
      // Follows from the logits.
    }
  }
}

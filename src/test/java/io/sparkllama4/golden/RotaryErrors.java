package io.sparkllama4.golden;

import io.sparkllama4.backend.AttentionSpec;
import io.sparkllama4.backend.Temperature;
import io.sparkllama4.backend.cpu.ScalarKernels;
import io.sparkllama4.tensor.Tensor;
import java.util.List;

/// Errors in what positions do to queries and keys: rotation, head norm, temperature.
final class RotaryErrors {
  /// The positions of `chunked`'s rotary scaling: `rope_scaling` of its configuration.
  private static final double FACTOR = 8;

  private static final double LOW = 1;
  private static final double HIGH = 4;
  private static final double ORIGINAL_POSITIONS = 32;

  static final List<PlantedError> ALL =
      List.of(
          PlantedError.ofKernels(
              "half-split rope",
              "rotates elements j and j + D/2 in place of 2j and 2j + 1",
              "scout",
              "layers.0.q",
              10000,
              HalfSplitRope::new),
          PlantedError.ofKernels(
              "positions from one",
              "rotates by position + 1; attention alone would not see it",
              "dense",
              "layers.0.q",
              9000,
              PositionsFromOne::new),
          PlantedError.ofWeights(
              "rope in every layer",
              "layers without rope rotate too",
              "scout",
              "layers.3.q",
              10000,
              VariedWeights.specs(i -> spec -> with(spec, true, spec.normalizesHeads()))),
          PlantedError.ofWeights(
              "rope layers off by one",
              "the first layer of four has no rope in place of the last",
              "scout",
              "layers.0.q",
              10000,
              VariedWeights.specs(i -> spec -> with(spec, i % 4 != 0, spec.normalizesHeads()))),
          PlantedError.ofWeights(
              "wrong llama3 middle",
              "the weights of the blend between slowed and plain frequencies are exchanged",
              "chunked",
              "layers.0.q",
              8000,
              VariedWeights.frequencies(right -> blendedBackwards(right))),
          PlantedError.ofWeights(
              "llama3 scaling left out",
              "frequencies stay as the base gives them",
              "chunked",
              "layers.0.q",
              10000,
              VariedWeights.frequencies(right -> plain(right.length))),
          PlantedError.ofKernels(
              "head norm with weight",
              "query and key heads are also multiplied with the first weights of the layer's norm",
              "scout",
              "layers.0.q",
              1000,
              WeightedHeadNorm::new),
          PlantedError.ofWeights(
              "head norm before temperature",
              "layers without rope norm their heads, and scale the queries afterwards",
              "chunked",
              "layers.3.q",
              2000,
              VariedWeights.specs(i -> spec -> with(spec, spec.usesRope(), true))),
          PlantedError.ofKernels(
              "head norm after temperature",
              "layers without rope norm their queries, which undoes the temperature",
              "chunked",
              "layers.3.q",
              4000,
              HeadNormAfterTemperature::new),
          PlantedError.ofKernels(
              "head norm to unit length",
              "divides heads by their length in place of their root mean square",
              "scout",
              "layers.0.q",
              7000,
              UnitHeadNorm::new),
          PlantedError.ofKernels(
              "temperature by position",
              "takes the floor of position in place of position + 1",
              "chunked",
              "layers.3.q",
              2000,
              TemperatureByPosition::new),
          PlantedError.ofKernels(
              "temperature without floor",
              "grows with every position in place of every `floor_scale` positions",
              "chunked",
              "layers.3.q",
              1000,
              TemperatureWithoutFloor::new),
          PlantedError.ofWeights(
              "temperature in every layer",
              "queries of layers with rope are scaled too",
              "chunked",
              "layers.0.q",
              4000,
              VariedWeights.specs(i -> spec -> with(spec, new Temperature(4, 0.5)))));

  private RotaryErrors() {}

  private static AttentionSpec with(AttentionSpec spec, boolean usesRope, boolean normalizesHeads) {
    return new AttentionSpec(
        spec.heads(),
        spec.kvHeads(),
        spec.headDim(),
        usesRope,
        normalizesHeads,
        spec.temperature(),
        spec.chunk());
  }

  private static AttentionSpec with(AttentionSpec spec, Temperature temperature) {
    return new AttentionSpec(
        spec.heads(),
        spec.kvHeads(),
        spec.headDim(),
        spec.usesRope(),
        spec.normalizesHeads(),
        temperature,
        spec.chunk());
  }

  private static float[] plain(int pairs) {
    float[] frequencies = new float[pairs];
    for (int j = 0; j < pairs; j++) {
      frequencies[j] = (float) Math.pow(10000, -(double) j / pairs);
    }
    return frequencies;
  }

  private static float[] blendedBackwards(float[] right) {
    float[] plain = plain(right.length);
    float[] wrong = right.clone();
    for (int j = 0; j < right.length; j++) {
      double turns = ORIGINAL_POSITIONS * plain[j] / (2 * Math.PI);
      if (turns > LOW && turns < HIGH) {
        double blend = (turns - LOW) / (HIGH - LOW);
        wrong[j] = (float) (blend * plain[j] / FACTOR + (1 - blend) * plain[j]);
      }
    }
    return wrong;
  }

  private static final class HalfSplitRope extends ScalarKernels {
    @Override
    public void rope(Tensor heads, Tensor positions, Tensor inverseFrequencies) {
      int pairs = inverseFrequencies.rows();
      long width = heads.rowElements();
      for (int t = 0; t < positions.rows(); t++) {
        for (int j = 0; j < pairs; j++) {
          float angle = positions.intAt(t) * inverseFrequencies.at(j);
          for (long u = t * width; u < (t + 1) * width; u += 2L * pairs) {
            rotate(heads, u + j, u + j + pairs, (float) Math.cos(angle), (float) Math.sin(angle));
          }
        }
      }
    }
  }

  private static final class PositionsFromOne extends ScalarKernels {
    @Override
    public void rope(Tensor heads, Tensor positions, Tensor inverseFrequencies) {
      for (int t = 0; t < positions.rows(); t++) {
        positions.set(t, positions.intAt(t) + 1);
      }
      super.rope(heads, positions, inverseFrequencies);
      for (int t = 0; t < positions.rows(); t++) {
        positions.set(t, positions.intAt(t) - 1);
      }
    }
  }

  private static final class WeightedHeadNorm extends ScalarKernels {
    private float[] layerNorm = new float[0];

    @Override
    public void rmsNorm(Tensor input, Tensor weight, float epsilon, Tensor output) {
      super.rmsNorm(input, weight, epsilon, output);
      layerNorm = new float[weight.rows()];
      for (int h = 0; h < layerNorm.length; h++) {
        layerNorm[h] = weight.decode(h);
      }
    }

    @Override
    public void normHeads(Tensor heads, int headDim, float epsilon) {
      super.normHeads(heads, headDim, epsilon);
      for (long i = 0; i < heads.shape().elements(); i++) {
        heads.set(i, heads.at(i) * layerNorm[(int) (i % headDim)]);
      }
    }
  }

  private static final class UnitHeadNorm extends ScalarKernels {
    @Override
    public void normHeads(Tensor heads, int headDim, float epsilon) {
      super.normHeads(heads, headDim, epsilon);
      for (long i = 0; i < heads.shape().elements(); i++) {
        heads.set(i, heads.at(i) / (float) Math.sqrt(headDim));
      }
    }
  }

  private static final class HeadNormAfterTemperature extends ScalarKernels {
    private int headDim;

    @Override
    public void normHeads(Tensor heads, int headDim, float epsilon) {
      this.headDim = headDim;
      super.normHeads(heads, headDim, epsilon);
    }

    @Override
    public void scaleQueries(Tensor queries, Tensor positions, Temperature temperature) {
      super.scaleQueries(queries, positions, temperature);
      normHeads(queries, headDim, 1e-5f);
    }
  }

  private static final class TemperatureByPosition extends ScalarKernels {
    @Override
    public void scaleQueries(Tensor queries, Tensor positions, Temperature temperature) {
      for (int t = 0; t < positions.rows(); t++) {
        scale(queries.row(t), temperature.factor(positions.intAt(t) - 1));
      }
    }
  }

  private static final class TemperatureWithoutFloor extends ScalarKernels {
    @Override
    public void scaleQueries(Tensor queries, Tensor positions, Temperature temperature) {
      for (int t = 0; t < positions.rows(); t++) {
        double steps = (positions.intAt(t) + 1) / temperature.floorScale();
        scale(queries.row(t), (float) (1 + temperature.scale() * Math.log1p(steps)));
      }
    }
  }

  private static void scale(Tensor row, float factor) {
    for (long i = 0; i < row.shape().elements(); i++) {
      row.set(i, row.at(i) * factor);
    }
  }
}

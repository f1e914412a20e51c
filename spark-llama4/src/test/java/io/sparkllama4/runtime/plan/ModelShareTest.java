package io.sparkllama4.runtime.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import io.sparkllama4.backend.AttentionSpec;
import io.sparkllama4.backend.Temperature;
import io.sparkllama4.model.DecoderSpec;
import io.sparkllama4.model.LayerSpec;
import io.sparkllama4.model.Rotary;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// How many weights there are, and how many of them lie on the fullest GPU.
class ModelShareTest {

  /// The published checkpoints hold exactly so many weights in their text models.
  @ParameterizedTest
  @CsvSource({"scout,107769861120", "maverick,400711848960"})
  void weightsOfTheTextModel(String model, long weights) {
    assertThat(ModelShare.of(Plans.spec(model), 1).elements()).isEqualTo(weights);
  }

  /// One expert of Llama 4 is three matrices of 5,120 by 8,192; attention is two of 5,120 by 5,120
  /// and two of 1,024 by 5,120.
  @Test
  void partsOfMaverick() {
    ModelShare all = ModelShare.of(Plans.spec("maverick"), 1);
    long expert = 3L * 5120 * 8192;
    assertThat(all.experts().elements()).isEqualTo(24 * 128 * expert);
    assertThat(all.shared().elements()).isEqualTo(24 * expert);
    assertThat(all.dense().elements()).isEqualTo(24 * 2 * expert);
    assertThat(all.attention().elements()).isEqualTo(48L * (2L * 5120 * 5120 + 2L * 1024 * 5120));
    assertThat(all.head().elements()).isEqualTo(202_048L * 5120);
    assertThat(all.embedding()).isEqualTo(all.head());
    assertThat(all.other()).isEqualTo(24L * 128 * 5120 + 48 * 2 * 5120 + 5120);
    // Each passes through one of 128 experts and the shared one.
    assertThat(all.activeElements())
        .isCloseTo(
            24.0 * 4 * expert + all.attention().elements() + 202_048 * 5120.0 + all.other(),
            withinPercentage(1e-6));
  }

  @Test
  void eightGpusHaveAnEighthOfAllButTheRouters() {
    DecoderSpec spec = Plans.spec("maverick");
    ModelShare all = ModelShare.of(spec, 1);
    ModelShare one = ModelShare.of(spec, 8);
    assertThat(8 * one.experts().elements()).isEqualTo(all.experts().elements());
    assertThat(8 * one.shared().elements()).isEqualTo(all.shared().elements());
    assertThat(8 * one.attention().elements()).isEqualTo(all.attention().elements());
    assertThat(8 * one.dense().elements()).isEqualTo(all.dense().elements());
    assertThat(8 * one.head().elements()).isEqualTo(all.head().elements());
    assertThat(8 * one.embedding().elements()).isEqualTo(all.embedding().elements());
    assertThat(one.other()).isEqualTo(all.other());
    assertThat(one.routed()).isEqualTo(new ModelShare.Experts(128, 16, 1));
  }

  /// 40 query and 8 key heads, in groups of 5.
  @ParameterizedTest
  @CsvSource({
    "1,40,8", "2,20,4", "3,15,3", "5,10,2", "8,5,1", "12,5,1", "16,3,1", "40,1,1", "64,1,1"
  })
  void headsOfTheFullestGpu(int gpus, int queryHeads, int kvHeads) {
    AttentionSpec attention = Plans.spec("scout").layers().getFirst().attention();
    assertThat(ModelShare.queryHeads(attention, gpus)).isEqualTo(queryHeads);
    assertThat(ModelShare.kvHeads(attention, gpus)).isEqualTo(kvHeads);
  }

  @Test
  void whatDoesNotDivideIsMoreOnOneOfThem() {
    ModelShare third = ModelShare.of(Plans.spec("scout"), 3);
    long expert = 3L * 5120 * 8192;
    assertThat(third.routed().here()).isEqualTo(6);
    assertThat(third.experts().elements()).isEqualTo(48 * 6 * expert);
    // 8,192 hidden elements in three parts of 2,731 at most.
    assertThat(third.shared().elements()).isEqualTo(48L * 3 * 5120 * 2731);
    assertThat(third.head().elements()).isEqualTo(67_350L * 5120);
  }

  /// One dense layer with biases, and a head that is the table of embeddings.
  @Test
  void tiedHeadsAndBiases() {
    AttentionSpec attention = new AttentionSpec(4, 2, 16, true, false, Temperature.NONE, 0);
    DecoderSpec spec =
        new DecoderSpec(
            "llama4",
            512,
            64,
            1e-5f,
            4096,
            true,
            new Rotary(500_000, new Rotary.Unscaled()),
            List.of(new LayerSpec(attention, true, new LayerSpec.Dense(112))));
    ModelShare all = ModelShare.of(spec, 1);
    assertThat(all.embedding()).isEqualTo(Matrices.NONE);
    assertThat(all.head()).isEqualTo(new Matrices(512 * 64, 512, 512));
    assertThat(all.dense()).isEqualTo(new Matrices(3 * 64 * 112, 2 * 112 + 64, 2 * 112 + 64));
    assertThat(all.experts()).isEqualTo(Matrices.NONE);
    // Biases of 4 + 2 + 2 heads and of the output, two norms and the last one.
    assertThat(all.other()).isEqualTo(8 * 16 + 64 + 3 * 64);
    assertThat(ModelShare.of(spec, 4).other()).isEqualTo(3 * 16 + 64 + 3 * 64);
  }
}

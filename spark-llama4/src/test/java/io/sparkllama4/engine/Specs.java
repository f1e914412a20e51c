package io.sparkllama4.engine;

import io.sparkllama4.backend.AttentionSpec;
import io.sparkllama4.backend.Temperature;
import io.sparkllama4.model.DecoderSpec;
import io.sparkllama4.model.LayerSpec;
import io.sparkllama4.model.Rotary;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Decoders and rows for tests that compute nothing.
final class Specs {
  private Specs() {}

  /// A decoder whose layers have these chunks, 0 for none; a token takes 16 bytes in each layer.
  static DecoderSpec layers(int... chunks) {
    List<LayerSpec> layers = new ArrayList<>();
    for (int chunk : chunks) {
      AttentionSpec attention = new AttentionSpec(1, 1, 2, true, false, Temperature.NONE, chunk);
      layers.add(new LayerSpec(attention, false, new LayerSpec.Dense(2)));
    }
    Rotary rotary = new Rotary(10_000, new Rotary.Unscaled());
    return new DecoderSpec("llama4", 8, 2, 1e-5f, 1 << 20, false, rotary, layers);
  }

  /// A row of `tokens` tokens of its own query.
  static Sequence row(String query, int tokens) {
    int[] prompt = new int[tokens];
    Arrays.fill(prompt, 1);
    return row(query, prompt);
  }

  /// A row of its own query that begins with `prompt`.
  static Sequence row(String query, int[] prompt) {
    Submission submission = new Submission(query, 1, () -> {});
    return new Sequence(submission, 0, prompt, new PromptBatch.Generate(SamplingParams.DEFAULT));
  }
}

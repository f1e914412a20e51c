package io.sparkllama4.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sparkllama4.backend.Availability;
import io.sparkllama4.backend.Backends;
import io.sparkllama4.engine.Completion;
import io.sparkllama4.engine.RowError;
import io.sparkllama4.engine.TokenLogprob;
import io.sparkllama4.model.DecoderSpec;
import io.sparkllama4.model.KvGroup;
import io.sparkllama4.model.LayerSpec;
import io.sparkllama4.runtime.ModelHandle;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.weights.Checkpoint;
import java.util.List;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/// The parts of the commands' JSON documents. Their fields are promised; see docs/contract.md.
final class Documents {
  private Documents() {}

  static ObjectNode start(String schema) {
    return JsonNodeFactory.instance.objectNode().put("schema", schema);
  }

  static void model(ObjectNode document, Checkpoint checkpoint) {
    document
        .putObject("model")
        .put("path", checkpoint.directory().toString())
        .put("digest", checkpoint.digest());
  }

  static void backend(ObjectNode document, ModelHandle model) {
    document
        .putObject("backend")
        .put("name", model.backend().name())
        .put("kernels", model.backend().kernelPath())
        .put("threads", model.backend().threads())
        .put("ranks", model.options().ranks())
        .put("weights", model.weightsLabel())
        .put("strict", model.options().strict());
  }

  /// One result of `generate`.
  ///
  /// @param prompt the ids that were asked
  static ObjectNode result(
      String id, int[] prompt, Completion completion, long seed, boolean wantsLogprobs) {
    ObjectNode result = JsonNodeFactory.instance.objectNode().put("id", id);
    ints(result.putArray("prompt_ids"), prompt);
    ints(result.putArray("completion_ids"), completion.ids());
    result.put("text", completion.text()).put("finish_reason", completion.end().reason());
    switch (completion.end()) {
      case Completion.StopId(int stop) -> result.putObject("stop").put("id", stop);
      case Completion.StopText(String stop) -> result.putObject("stop").put("text", stop);
      case Completion.Length _, Completion.Failed _ -> result.putNull("stop");
    }
    result.put("seed", seed);
    Completion.Usage usage = completion.usage();
    result
        .putObject("usage")
        .put("prompt_tokens", usage.promptTokens())
        .put("cached_tokens", usage.cachedTokens())
        .put("completion_tokens", usage.completionTokens());
    if (wantsLogprobs) {
      ArrayNode logprobs = result.putArray("logprobs");
      for (TokenLogprob token : completion.logprobs()) {
        ObjectNode entry = logprobs.addObject();
        entry.put("id", token.id()).put("logprob", token.logprob());
        alternatives(entry.putArray("top"), token.alternatives());
      }
    } else {
      result.putNull("logprobs");
    }
    completion
        .error()
        .ifPresentOrElse(error -> error(result, error), () -> result.putNull("error"));
    return result;
  }

  private static void error(ObjectNode result, RowError error) {
    result.putObject("error").put("code", error.code().name()).put("message", error.message());
  }

  static void alternatives(ArrayNode array, List<TokenLogprob.Alternative> alternatives) {
    for (TokenLogprob.Alternative alternative : alternatives) {
      array.addObject().put("id", alternative.id()).put("logprob", alternative.logprob());
    }
  }

  private static void ints(ArrayNode array, int[] values) {
    for (int value : values) {
      array.add(value);
    }
  }

  /// What `info` says.
  static ObjectNode info(Checkpoint checkpoint) {
    DecoderSpec spec = checkpoint.spec();
    Checkpoint.WeightSummary summary = checkpoint.summary();
    ObjectNode document = start("spark-llama4.info.v1");
    document
        .put("path", checkpoint.directory().toString())
        .put("digest", checkpoint.digest())
        .put("architecture", spec.architecture());
    document
        .putObject("parameters")
        .put("total", summary.parameters())
        .put("active", summary.parameters() - idleParameters(spec));
    document
        .putObject("weights")
        .put("bytes", summary.bytes())
        .put("files", summary.files())
        .put("dtype", summary.dtype())
        .put("quantization", summary.quantization());
    text(document.putObject("text"), spec);
    document
        .putObject("kv")
        .put("dtype", "f32")
        .put("global_bytes_per_token", spec.kvBytesPerToken(KvGroup.GLOBAL, DType.F32))
        .put("chunked_bytes_per_token", spec.kvBytesPerToken(KvGroup.CHUNKED, DType.F32));
    ArrayNode backends = document.putArray("backends");
    backend(backends.addObject(), "cpu");
    backend(backends.addObject(), "cuda");
    ArrayNode warnings = document.putArray("warnings");
    checkpoint
        .warnings()
        .forEach(w -> warnings.addObject().put("code", w.code()).put("message", w.message()));
    return document;
  }

  /// Weights of the experts that a token does not pass through.
  private static long idleParameters(DecoderSpec spec) {
    long idle = 0;
    for (LayerSpec layer : spec.layers()) {
      if (layer.feedForward() instanceof LayerSpec.Mixture mixture) {
        long expert = 3L * spec.hidden() * mixture.expertWidth();
        idle += (mixture.experts() - mixture.chosen()) * expert;
      }
    }
    return idle;
  }

  private static void text(ObjectNode text, DecoderSpec spec) {
    var attention = spec.layers().getFirst().attention();
    int experts = 0;
    int chosen = 0;
    for (LayerSpec layer : spec.layers()) {
      if (layer.feedForward() instanceof LayerSpec.Mixture mixture) {
        experts = mixture.experts();
        chosen = mixture.chosen();
      }
    }
    text.put("layers", spec.layers().size())
        .put("hidden", spec.hidden())
        .put("heads", attention.heads())
        .put("kv_heads", attention.kvHeads())
        .put("head_dim", attention.headDim())
        .put("vocabulary", spec.vocabulary())
        .put("experts", experts)
        .put("experts_per_token", chosen);
    layers(
        text.putArray("moe_layers"),
        spec,
        i -> spec.layers().get(i).feedForward() instanceof LayerSpec.Mixture);
    layers(text.putArray("rope_layers"), spec, i -> spec.layers().get(i).attention().usesRope());
    if (spec.chunk() > 0) {
      text.put("chunk", spec.chunk());
    } else {
      text.putNull("chunk");
    }
    boolean normalizes =
        spec.layers().stream().anyMatch(layer -> layer.attention().normalizesHeads());
    text.put("max_positions", spec.maxPositions()).put("query_key_norm", normalizes);
  }

  private static void layers(ArrayNode array, DecoderSpec spec, IntPredicate wanted) {
    IntStream.range(0, spec.layers().size()).filter(wanted).forEach(array::add);
  }

  private static void backend(ObjectNode entry, String name) {
    Availability availability = Backends.availability(name);
    entry.put("name", name);
    switch (availability) {
      case Availability.Available(String kernels, List<String> _) ->
          entry.put("available", true).put("kernels", kernels);
      case Availability.Unavailable _ -> entry.put("available", false).putNull("kernels");
    }
    ArrayNode reasons = entry.putArray("reasons");
    availability.reasons().forEach(reasons::add);
  }
}

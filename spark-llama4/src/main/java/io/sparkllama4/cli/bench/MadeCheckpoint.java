package io.sparkllama4.cli.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Elements;
import io.sparkllama4.tensor.TensorSpec;
import io.sparkllama4.weights.SafetensorsWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.LongStream;

/// Writes a checkpoint of random bf16 weights in the published layout, so that a benchmark runs the
/// real loading code on a model of any shape.
final class MadeCheckpoint {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int BUFFER_BYTES = 4 << 20;

  private final ModelShape shape;

  /// Name to sizes, in the order of the file.
  private final Map<String, long[]> tensors = new LinkedHashMap<>();

  private MadeCheckpoint(ModelShape shape) {
    this.shape = shape;
    long hidden = shape.hidden();
    tensors.put("model.embed_tokens.weight", new long[] {shape.vocabulary(), hidden});
    for (int i = 0; i < shape.layers(); i++) {
      addLayer("model.layers." + i + ".");
    }
    tensors.put("model.norm.weight", new long[] {hidden});
    tensors.put("lm_head.weight", new long[] {shape.vocabulary(), hidden});
  }

  private void addLayer(String layer) {
    long hidden = shape.hidden();
    long queries = (long) shape.heads() * shape.headDim();
    long keys = (long) shape.kvHeads() * shape.headDim();
    long width = shape.expertWidth();
    tensors.put(layer + "input_layernorm.weight", new long[] {hidden});
    tensors.put(layer + "self_attn.q_proj.weight", new long[] {queries, hidden});
    tensors.put(layer + "self_attn.k_proj.weight", new long[] {keys, hidden});
    tensors.put(layer + "self_attn.v_proj.weight", new long[] {keys, hidden});
    tensors.put(layer + "self_attn.o_proj.weight", new long[] {hidden, queries});
    tensors.put(layer + "post_attention_layernorm.weight", new long[] {hidden});
    String mixture = layer + "feed_forward.";
    tensors.put(mixture + "router.weight", new long[] {shape.experts(), hidden});
    tensors.put(mixture + "experts.gate_up_proj", new long[] {shape.experts(), hidden, 2 * width});
    tensors.put(mixture + "experts.down_proj", new long[] {shape.experts(), width, hidden});
    tensors.put(mixture + "shared_expert.gate_proj.weight", new long[] {width, hidden});
    tensors.put(mixture + "shared_expert.up_proj.weight", new long[] {width, hidden});
    tensors.put(mixture + "shared_expert.down_proj.weight", new long[] {hidden, width});
  }

  /// Bytes of the weights of such a checkpoint.
  static long bytes(ModelShape shape) {
    return new MadeCheckpoint(shape)
        .tensors.values().stream().mapToLong(sizes -> 2 * elements(sizes)).sum();
  }

  private static long elements(long[] sizes) {
    return LongStream.of(sizes).reduce(1, Math::multiplyExact);
  }

  /// Writes `config.json`, a `tokenizer.json` of single bytes and `model.safetensors` of random
  /// weights into `directory`.
  static void write(ModelShape shape, Path directory) throws IOException {
    MadeCheckpoint checkpoint = new MadeCheckpoint(shape);
    Files.writeString(directory.resolve("config.json"), checkpoint.config());
    Files.writeString(directory.resolve("tokenizer.json"), tokenizer());
    try (FileChannel file =
        FileChannel.open(
            directory.resolve("model.safetensors"),
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      checkpoint.writeHeader(file);
      checkpoint.writeWeights(file);
    }
  }

  private String config() throws IOException {
    ObjectNode config = JSON.createObjectNode();
    config.put("model_type", "llama4_text").put("hidden_act", "silu");
    config.put("vocab_size", shape.vocabulary()).put("hidden_size", shape.hidden());
    config.put("intermediate_size", shape.expertWidth());
    config.put("intermediate_size_mlp", shape.expertWidth());
    config.put("num_hidden_layers", shape.layers()).put("num_attention_heads", shape.heads());
    config.put("num_key_value_heads", shape.kvHeads()).put("head_dim", shape.headDim());
    config.put("max_position_embeddings", 131_072).put("rope_theta", 500_000.0);
    config.putNull("rope_scaling").put("attention_chunk_size", 8192);
    config.put("num_local_experts", shape.experts()).put("num_experts_per_tok", 1);
    config.put("interleave_moe_layer_step", 1).put("use_qk_norm", true);
    config.put("rms_norm_eps", 1e-5).put("tie_word_embeddings", false);
    return JSON.writeValueAsString(config);
  }

  /// A byte-level vocabulary of the 256 bytes, each written as the letter that such vocabularies
  /// give it; text is encoded byte by byte.
  private static String tokenizer() throws IOException {
    ObjectNode tokenizer = JSON.createObjectNode().put("version", "1.0");
    tokenizer.putNull("normalizer").putArray("added_tokens");
    tokenizer
        .putObject("pre_tokenizer")
        .put("type", "ByteLevel")
        .put("add_prefix_space", false)
        .put("trim_offsets", true)
        .put("use_regex", false);
    tokenizer
        .putObject("decoder")
        .put("type", "ByteLevel")
        .put("add_prefix_space", false)
        .put("trim_offsets", true)
        .put("use_regex", false);
    ObjectNode model = tokenizer.putObject("model").put("type", "BPE");
    ObjectNode ids = model.putObject("vocab");
    int others = 0x100;
    for (int b = 0; b < 0x100; b++) {
      boolean printable = (b > 0x20 && b < 0x7f) || (b > 0xa0 && b != 0xad);
      ids.put(Character.toString(printable ? b : others++), b);
    }
    model.putArray("merges");
    return JSON.writeValueAsString(tokenizer);
  }

  private void writeHeader(FileChannel file) throws IOException {
    Map<String, TensorSpec> specs = new LinkedHashMap<>();
    tensors.forEach((name, sizes) -> specs.put(name, TensorSpec.of(DType.BF16, sizes)));
    // As published checkpoints are: data begins behind the header, wherever that ends.
    writeFully(file, new SafetensorsWriter(specs, 1).header(Map.of()));
  }

  private void writeWeights(FileChannel file) throws IOException {
    SplittableRandom random = new SplittableRandom(4);
    ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (Map.Entry<String, long[]> tensor : tensors.entrySet()) {
      short[] values = values(tensor.getKey(), tensor.getValue());
      long elements = elements(tensor.getValue());
      for (long i = 0; i < elements; i += 4) {
        long bits = random.nextLong();
        for (int j = 0; j < 4 && i + j < elements; j++, bits >>>= 16) {
          if (buffer.remaining() < 2) {
            writeFully(file, buffer.flip());
            buffer.clear();
          }
          buffer.putShort(values[(int) (bits & 0xffff)]);
        }
      }
    }
    writeFully(file, buffer.flip());
  }

  /// The 65,536 brain floats from which a tensor's elements are drawn: 1 for norms, else uniform
  /// with the variance 1 / inputs, so that activations neither vanish nor explode.
  private static short[] values(String name, long[] sizes) {
    short[] values = new short[1 << 16];
    boolean isFused = sizes.length == 3;
    long inputs = isFused ? sizes[1] : sizes[sizes.length - 1];
    double bound = Math.sqrt(3.0 / inputs);
    for (int i = 0; i < values.length; i++) {
      double value = name.endsWith("norm.weight") ? 1 : bound * (2 * (i + 0.5) / values.length - 1);
      values[i] = Elements.toBfloat16((float) value);
    }
    return values;
  }

  private static void writeFully(FileChannel file, ByteBuffer buffer) throws IOException {
    while (buffer.hasRemaining()) {
      file.write(buffer);
    }
  }
}

package io.sparkllama4.text;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;

/// A byte-level tokenizer of 256 bytes, a few merges and a few added tokens, as a checkpoint has
/// it.
final class SmallTokenizer {
  static final ObjectMapper JSON = new ObjectMapper();

  /// `h e` is the first merge.
  static final int HE = 256;

  static final int BEGIN = 260;
  static final int END_OF_TURN = 261;
  static final int HEADER = 262;
  static final int THINK = 263;
  static final int SIZE = 265;

  private SmallTokenizer() {}

  /// Writes it into `directory`, after `change`.
  static Path write(Path directory, Consumer<ObjectNode> change) throws IOException {
    ObjectNode tokenizer = JSON.createObjectNode();
    tokenizer.put("version", "1.0").putNull("normalizer");
    ArrayNode added = tokenizer.putArray("added_tokens");
    add(added, BEGIN, "<|begin|>", true);
    add(added, END_OF_TURN, "<|eot|>", true);
    add(added, HEADER, "<|header|>", true);
    add(added, THINK, "</think>", false);
    add(added, 264, "<|eot|><|eot|>", true);
    tokenizer
        .putObject("pre_tokenizer")
        .put("type", "ByteLevel")
        .put("add_prefix_space", false)
        .put("trim_offsets", true)
        .put("use_regex", true);
    ObjectNode model = tokenizer.putObject("model").put("type", "BPE");
    ObjectNode vocabulary = model.putObject("vocab");
    for (int b = 0; b < 256; b++) {
      vocabulary.put(letter(b), b);
    }
    ArrayNode merges = model.putArray("merges");
    String[][] pairs = {{"h", "e"}, {"l", "l"}, {"he", "ll"}, {"hell", "o"}};
    for (int i = 0; i < pairs.length; i++) {
      vocabulary.put(pairs[i][0] + pairs[i][1], HE + i);
      merges.addArray().add(pairs[i][0]).add(pairs[i][1]);
    }
    ArrayNode processors =
        tokenizer.putObject("post_processor").put("type", "Sequence").putArray("processors");
    processors.addObject().put("type", "ByteLevel");
    ObjectNode template = processors.addObject().put("type", "TemplateProcessing");
    ArrayNode single = template.putArray("single");
    single.addObject().putObject("SpecialToken").put("id", "<|begin|>").put("type_id", 0);
    single.addObject().putObject("Sequence").put("id", "A").put("type_id", 0);
    ObjectNode begin = template.putObject("special_tokens").putObject("<|begin|>");
    begin.put("id", "<|begin|>").putArray("ids").add(BEGIN);
    tokenizer.putObject("decoder").put("type", "ByteLevel");
    change.accept(tokenizer);
    Files.writeString(directory.resolve("tokenizer.json"), tokenizer.toString());
    return directory;
  }

  static Path write(Path directory) throws IOException {
    return write(directory, tokenizer -> {});
  }

  private static void add(ArrayNode tokens, int id, String content, boolean special) {
    tokens.addObject().put("id", id).put("content", content).put("special", special);
  }

  /// What the byte-level alphabet writes for a byte.
  static String letter(int b) {
    int others = 0x100;
    for (int i = 0; i <= b; i++) {
      boolean printable = (i > 0x20 && i < 0x7f) || (i > 0xa0 && i != 0xad);
      if (i == b) {
        return Character.toString(printable ? i : others);
      }
      others += printable ? 0 : 1;
    }
    throw new IllegalArgumentException("No byte: " + b);
  }
}

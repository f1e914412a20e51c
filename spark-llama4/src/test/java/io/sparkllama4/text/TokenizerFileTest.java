package io.sparkllama4.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.Llama4Exception;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class TokenizerFileTest {
  @TempDir Path directory;

  private void refuses(String complaint) {
    assertThatThrownBy(() -> Tokenizer.open(directory, SmallTokenizer.SIZE))
        .isInstanceOfSatisfying(
            Llama4Exception.class,
            e -> {
              assertThat(e.code()).isEqualTo(ErrorCode.INVALID_TOKENIZER);
              assertThat(e.report().file()).isEqualTo("tokenizer.json");
              assertThat(e.report().describe()).contains(complaint);
            });
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{",
        "[]",
        "null",
        "{}",
        "{} x",
        "{\"a\":1,\"a\":2}",
        "{\"model\":null}",
        "{\"model\":[]}",
        "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"a\":1}}}"
      })
  void refusesWhatIsNoTokenizer(String json) throws Exception {
    Files.writeString(directory.resolve("tokenizer.json"), json);
    refuses("tokenizer.json");
  }

  @Test
  void refusesDeepJson() throws Exception {
    Files.writeString(directory.resolve("tokenizer.json"), "{\"a\":" + "[".repeat(1_000_000));
    refuses("nesting depth");
  }

  @Test
  void refusesOtherEncodings() throws Exception {
    Files.write(directory.resolve("tokenizer.json"), new byte[] {'{', (byte) 0xff, '}'});
    refuses("UTF-8");
  }

  record Change(String name, String complaint, Consumer<ObjectNode> change) {
    @Override
    public String toString() {
      return name;
    }
  }

  private static Change model(String name, String complaint, Consumer<ObjectNode> change) {
    return new Change(name, complaint, json -> change.accept((ObjectNode) json.get("model")));
  }

  private static Change vocabulary(String name, String complaint, Consumer<ObjectNode> change) {
    return model(name, complaint, model -> change.accept((ObjectNode) model.get("vocab")));
  }

  private static Change added(String name, String complaint, Consumer<ObjectNode> change) {
    return new Change(
        name, complaint, json -> change.accept((ObjectNode) json.get("added_tokens").get(0)));
  }

  static Stream<Change> changes() {
    return Stream.of(
        new Change("no model", "no model", json -> json.remove("model")),
        model("unigram", "\"Unigram\"", model -> model.put("type", "Unigram")),
        model("no type", "found [nothing]", model -> model.remove("type")),
        model("no vocabulary", "no vocabulary", model -> model.remove("vocab")),
        model("listed vocabulary", "no vocabulary", model -> model.putArray("vocab")),
        model("no merges", "refuses it", model -> model.remove("merges")),
        model("unknown merge", "refuses it", model -> merge(model).add("zq").add("q")),
        model("half a merge", "refuses it", model -> merge(model).add("h")),
        model("dropout", "dropout", model -> model.put("dropout", 0.1)),
        model("byte fallback", "byte_fallback", model -> model.put("byte_fallback", true)),
        model("suffix", "end_of_word", model -> model.put("end_of_word_suffix", "</w>")),
        vocabulary("negative id", "out of range", tokens -> tokens.put("a", -1)),
        vocabulary("absurd id", "out of range", tokens -> tokens.put("a", 2_000_000_000)),
        vocabulary("longer id", "out of range", tokens -> tokens.put("a", 1L << 40)),
        vocabulary("fraction", "no integer", tokens -> tokens.put("a", 1.5)),
        vocabulary("text as id", "no integer", tokens -> tokens.put("a", "97")),
        vocabulary("id taken twice", "twice", tokens -> tokens.put("a", 98)),
        added("added without content", "no id or content", token -> token.remove("content")),
        added("added negative id", "out of range", token -> token.put("id", -1)),
        added("added absurd id", "out of range", token -> token.put("id", 1 << 30)),
        added("added text as id", "no id or content", token -> token.put("id", "1")),
        added("added twice", "twice", token -> token.put("content", "<|eot|>")),
        added("added over a token", "of another token", token -> token.put("id", 97)),
        added("added elsewhere", "another id", token -> token.put("content", "hello")),
        added("added flag", "\"special\"", token -> token.put("special", 1)),
        new Change("added no list", "no list", json -> json.putObject("added_tokens")),
        new Change("no decoder", "decoder", json -> json.remove("decoder")),
        new Change(
            "other decoder",
            "Metaspace",
            json -> json.putObject("decoder").put("type", "Metaspace")),
        new Change(
            "other post-processor",
            "BertProcessing",
            json -> json.putObject("post_processor").put("type", "BertProcessing")),
        new Change(
            "unknown pre-tokenizer",
            "refuses it",
            json -> json.putObject("pre_tokenizer").put("type", "Nothing")),
        new Change(
            "broken pattern",
            "refuses it",
            json -> {
              ObjectNode split = json.putObject("pre_tokenizer").put("type", "Split");
              split.put("behavior", "Isolated").put("invert", false);
              split.putObject("pattern").put("Regex", "((");
            }));
  }

  private static ArrayNode merge(ObjectNode model) {
    return model.putArray("merges").addArray();
  }

  @ParameterizedTest
  @MethodSource("changes")
  void refusesByName(Change change) throws Exception {
    SmallTokenizer.write(directory, change.change());
    refuses(change.complaint());
  }

  static Stream<Map.Entry<String, Consumer<ObjectNode>>> harmless() {
    return Stream.of(
        Map.entry("no added tokens", json -> json.putNull("added_tokens")),
        Map.entry("something new", json -> json.put("something_new", 1)),
        Map.entry("truncation", json -> json.putObject("truncation").put("max_length", 1)),
        Map.entry("padding", json -> json.putObject("padding").put("length", 64)),
        Map.entry("a gap", json -> ((ObjectNode) json.get("model").get("vocab")).remove("~")));
  }

  @ParameterizedTest
  @MethodSource("harmless")
  void takesTheRest(Map.Entry<String, Consumer<ObjectNode>> change) throws Exception {
    SmallTokenizer.write(directory, change.getValue());
    try (Tokenizer tokenizer = Tokenizer.open(directory, SmallTokenizer.SIZE)) {
      assertThat(tokenizer.encode("hello hello")).containsExactly(259, 32, 259);
    }
  }
}

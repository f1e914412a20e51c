package io.sparkllama4.weights;

import static io.sparkllama4.error.ErrorCode.INVALID_TOKENIZER;
import static io.sparkllama4.error.ErrorCode.MISSING_FILE;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/// Tokenizers and chat templates, of the dense checkpoint: 493 tokens, and added ones up to 511.
final class HostileTokenizers {
  private static final String TOKENIZER = "tokenizer.json";
  private static final String CONFIG = "tokenizer_config.json";
  private static final String TEMPLATE = "chat_template.jinja";

  private HostileTokenizers() {}

  static List<Hostile> all() {
    List<Hostile> cases = new ArrayList<>();
    cases.addAll(files());
    cases.addAll(vocabularies());
    cases.addAll(features());
    cases.addAll(templates());
    return cases;
  }

  private static Hostile broken(String file, String name, Hostile.Breakage breakage) {
    return Hostile.of("dense", file + " " + name, breakage).is(INVALID_TOKENIZER, file);
  }

  private static Hostile text(String file, String name, String text) {
    return broken(file, name, model -> model.write(file, text));
  }

  private static List<Hostile> files() {
    return List.of(
        broken(TOKENIZER, "is absent", m -> m.delete(TOKENIZER)).is(MISSING_FILE, TOKENIZER),
        broken(
                TOKENIZER,
                "is a directory",
                m -> Files.createDirectory(m.delete(TOKENIZER).file(TOKENIZER)))
            .is(MISSING_FILE, TOKENIZER),
        text(TOKENIZER, "is empty", "").found("null", "an object"),
        text(TOKENIZER, "is no JSON", "tokens"),
        text(TOKENIZER, "is a list", "[]").found("START_ARRAY", "an object"),
        text(TOKENIZER, "is very deep", "{\"x\":" + "[".repeat(100_000)),
        text(TOKENIZER, "is an empty object", "{}").found("nothing", "model"),
        broken(TOKENIZER, "is cut off", model -> model.resize(TOKENIZER, 20_000)),
        broken(TOKENIZER, "is no UTF-8", m -> m.write(TOKENIZER, new byte[] {'{', (byte) 0xff}))
            .found("MalformedInput", "UTF-8"),
        broken(TOKENIZER, "has 3 GB", model -> model.resize(TOKENIZER, 3_000_000_000L))
            .found("3000000000", "bytes"),
        text(CONFIG, "is no JSON", "chat_template"),
        text(CONFIG, "is a list", "[]").found("ARRAY", "an object"),
        text(CONFIG, "has a number for bos_token", "{\"bos_token\": 1}").found("1", "a text"),
        broken(CONFIG, "has 3 GB", model -> model.resize(CONFIG, 3_000_000_000L))
            .found("3000000000", "bytes"));
  }

  private static Hostile changed(String name, Consumer<ObjectNode> change) {
    return broken(TOKENIZER, name, model -> model.json(TOKENIZER, change));
  }

  private static ObjectNode model(ObjectNode tokenizer) {
    return (ObjectNode) tokenizer.get("model");
  }

  private static ObjectNode vocabulary(ObjectNode tokenizer) {
    return (ObjectNode) tokenizer.at("/model/vocab");
  }

  private static ObjectNode added(ObjectNode tokenizer, int index) {
    return (ObjectNode) tokenizer.at("/added_tokens/" + index);
  }

  private static List<Hostile> vocabularies() {
    return List.of(
        broken(
                TOKENIZER,
                "has more tokens than the model",
                m -> m.json(TOKENIZER, t -> vocabulary(t).put("more", 512)))
            .found("512", "0 to 511"),
        changed("has a token with id -1", t -> vocabulary(t).put("less", -1)).found("-1", "0 to"),
        changed("has a token with id 2^31", t -> vocabulary(t).put("most", 1L << 31))
            .found("2147483648", "0 to 511"),
        changed("has a token with a text for an id", t -> vocabulary(t).put("x", "1"))
            .found("1", "an integer"),
        changed("has two tokens with one id", t -> vocabulary(t).put("twice", 7))
            .found("7", "one token"),
        changed("has a list for a vocabulary", t -> model(t).putArray("vocab"))
            .found("nothing", "vocab"),
        changed("has an added token beyond the model", t -> added(t, 0).put("id", 512))
            .found("512", "0 to 511"),
        changed("has an added token in a token's place", t -> added(t, 0).put("id", 3))
            .found("<|begin_of_text|>", Hostile.ANYTHING),
        changed("has an added token twice", t -> added(t, 1).put("content", "<|begin_of_text|>"))
            .found("<|begin_of_text|>", "once"),
        changed("has an added token without an id", t -> added(t, 0).remove("id"))
            .found("<|begin_of_text|>", "id"),
        changed("has a text for added tokens", t -> t.put("added_tokens", "x"))
            .found("STRING", "a list"));
  }

  private static List<Hostile> features() {
    return List.of(
        changed("is a WordPiece", t -> model(t).put("type", "WordPiece")).found("WordPiece", "BPE"),
        changed("has a model without a type", t -> model(t).remove("type")).found("nothing", "BPE"),
        changed("falls back to bytes", t -> model(t).put("byte_fallback", true))
            .found("true", "null"),
        changed("has no decoder", t -> t.remove("decoder")).found("nothing", "ByteLevel"),
        changed("has another decoder", t -> t.putObject("decoder").put("type", "Metaspace"))
            .found("Metaspace", "ByteLevel"),
        changed(
                "merges unknown tokens",
                t -> model(t).withArray("merges").addArray().add("zq").add("qz"))
            .found(Hostile.ANYTHING, "a tokenizer"),
        changed(
                "splits by a pattern that is none",
                t ->
                    ((ObjectNode) t.at("/pre_tokenizer/pretokenizers/0/pattern"))
                        .put("Regex", "(unclosed"))
            .found(Hostile.ANYTHING, "a tokenizer"),
        changed("splits in an unknown way", t -> t.putObject("pre_tokenizer").put("type", "Magic"))
            .found(Hostile.ANYTHING, "a tokenizer"),
        changed("normalises in an unknown way", t -> t.putObject("normalizer").put("type", "Magic"))
            .found(Hostile.ANYTHING, "a tokenizer"));
  }

  private static List<Hostile> templates() {
    return List.of(
        text(CONFIG, "has a number for a template", "{\"chat_template\": 1}").found("1", "a text"),
        text(CONFIG, "has a list without a default", "{\"chat_template\": []}")
            .found("[]", "default"),
        text(CONFIG, "has a template that ends too early", "{\"chat_template\": \"{% if x %}\"}")
            .found("if", "Jinja"),
        text(CONFIG, "has a template with an unknown tag", "{\"chat_template\": \"{% x %}\"}")
            .found("x", "Jinja"),
        text(TEMPLATE, "has an expression that is none", "{{ 1 + }}")
            .found(Hostile.ANYTHING, "Jinja"),
        broken(TEMPLATE, "is no UTF-8", m -> m.write(TEMPLATE, new byte[] {(byte) 0xff}))
            .found("MalformedInput", "UTF-8"));
  }
}

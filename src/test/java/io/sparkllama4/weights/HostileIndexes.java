package io.sparkllama4.weights;

import static io.sparkllama4.error.ErrorCode.DUPLICATE_TENSOR;
import static io.sparkllama4.error.ErrorCode.INVALID_HEADER;
import static io.sparkllama4.error.ErrorCode.MISSING_FILE;
import static io.sparkllama4.error.ErrorCode.MISSING_TENSOR;
import static io.sparkllama4.error.ErrorCode.PATH_ESCAPE;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/// Indexes, and which files they lead to.
final class HostileIndexes {
  private static final String INDEX = ModelCopy.INDEX;
  private static final String FIRST = "model-00001-of-00003.safetensors";
  private static final String SECOND = "model-00002-of-00003.safetensors";
  private static final String EMBEDDING = "language_model.model.embed_tokens.weight";

  private HostileIndexes() {}

  static List<Hostile> all() {
    List<Hostile> cases = new ArrayList<>();
    cases.addAll(broken());
    cases.addAll(escapes());
    cases.addAll(links());
    cases.addAll(missing());
    return cases;
  }

  private static Hostile index(String name, Hostile.Breakage breakage) {
    return Hostile.of("maverick", "index " + name, breakage).is(INVALID_HEADER, INDEX);
  }

  private static Hostile text(String name, String json) {
    return index(name, model -> model.write(INDEX, json));
  }

  private static List<Hostile> broken() {
    return List.of(
        text("is empty", "").found("MISSING", "an object"),
        text("is no JSON", "weight_map"),
        text("is a list", "[]").found("ARRAY", "an object"),
        text("is very deep", "{\"weight_map\":".repeat(100_000)),
        text("has no weight_map", "{\"metadata\": {}}").found("MISSING", "an object"),
        text("has a list for a weight_map", "{\"weight_map\": []}").found("ARRAY", "an object"),
        text("has a number for a file", "{\"weight_map\": {\"a\": 1}}")
            .tensor("a")
            .found("NUMBER", "the name of a file"),
        text("names a tensor twice", "{\"weight_map\": {\"a\": \"x\", \"a\": \"y\"}}"),
        text("has an empty weight_map", "{\"weight_map\": {}}")
            .is(MISSING_TENSOR, INDEX)
            .tensor("model.embed_tokens.weight")
            .found("nothing", "a tensor"),
        index("has 3 GB", model -> model.resize(INDEX, 3_000_000_000L))
            .found("3000000000", "bytes"),
        index("is a directory", model -> Files.createDirectory(model.delete(INDEX).file(INDEX)))
            .is(MISSING_FILE, INDEX));
  }

  private static Consumer<ObjectNode> embeddingIn(String file) {
    return index -> ((ObjectNode) index.get("weight_map")).put(EMBEDDING, file);
  }

  private static List<Hostile> escapes() {
    List<Hostile> cases = new ArrayList<>();
    for (String file :
        List.of(
            "../model.safetensors",
            "../../../../etc/passwd",
            "sub/../../model.safetensors",
            "/etc/passwd",
            "..",
            ".",
            "",
            "..\\model.safetensors",
            "a\u0000b")) {
      cases.add(
          index(
                  "leads to [" + file.replace('\u0000', '0') + "]",
                  m -> m.json(INDEX, embeddingIn(file)))
              .is(PATH_ESCAPE, INDEX)
              .tensor(EMBEDDING)
              .found(file, "a file in the directory"));
    }
    return cases;
  }

  private static List<Hostile> links() {
    return List.of(
        index(
                "names a link that leads out",
                model -> {
                  Path outside = model.directory().resolveSibling("outside.safetensors");
                  Files.move(model.file(FIRST), outside);
                  Files.createSymbolicLink(model.file(FIRST), outside);
                })
            .is(PATH_ESCAPE, INDEX)
            .tensor(EMBEDDING)
            .found(FIRST, "a file in the directory"),
        index(
                "names a file behind a link that leads out",
                model -> {
                  Path outside = Files.createDirectory(model.directory().resolveSibling("outside"));
                  Files.move(model.file(FIRST), outside.resolve(FIRST));
                  Files.createSymbolicLink(model.file("sub"), outside);
                  model.json(
                      INDEX,
                      index -> {
                        ObjectNode map = (ObjectNode) index.get("weight_map");
                        List.copyOf(map.properties()).stream()
                            .filter(entry -> entry.getValue().textValue().equals(FIRST))
                            .forEach(entry -> map.put(entry.getKey(), "sub/" + FIRST));
                      });
                })
            .is(PATH_ESCAPE, INDEX)
            .tensor(EMBEDDING)
            .found("sub/" + FIRST, "a file in the directory"),
        index(
                "names a link that leads nowhere",
                model -> {
                  model.delete(FIRST);
                  Files.createSymbolicLink(model.file(FIRST), Path.of("nowhere"));
                })
            .is(MISSING_FILE, FIRST));
  }

  private static List<Hostile> missing() {
    return List.of(
        index("and no weights are there", model -> model.delete(INDEX))
            .is(MISSING_FILE, ModelCopy.WEIGHTS),
        index("names a shard that is absent", model -> model.delete(SECOND))
            .is(MISSING_FILE, SECOND),
        index(
                "names a shard that is a directory",
                m -> Files.createDirectory(m.delete(SECOND).file(SECOND)))
            .is(MISSING_FILE, SECOND),
        index("names a tensor in another shard", m -> m.json(INDEX, embeddingIn(SECOND)))
            .is(MISSING_TENSOR, SECOND)
            .tensor(EMBEDDING)
            .found(FIRST, SECOND),
        index(
                "names a tensor that is nowhere",
                model ->
                    model.json(
                        INDEX, index -> ((ObjectNode) index.get("weight_map")).put("x", FIRST)))
            .is(MISSING_TENSOR, FIRST)
            .tensor("x")
            .found("nowhere", FIRST),
        index(
                "leads to a tensor in two shards",
                model ->
                    model.header(
                        FIRST,
                        header ->
                            header
                                .putObject("language_model.model.norm.weight")
                                .put("dtype", "BF16")
                                .<ObjectNode>set("shape", header.arrayNode().add(0))
                                .set("data_offsets", header.arrayNode().add(0).add(0))))
            .is(DUPLICATE_TENSOR, SECOND)
            .tensor("language_model.model.norm.weight")
            .found(FIRST, "one file"),
        index(
                "is fine, but a shard lost a tensor",
                model -> model.header(FIRST, header -> header.remove(EMBEDDING)))
            .is(MISSING_TENSOR, FIRST)
            .tensor(EMBEDDING)
            .found("nowhere", FIRST));
  }
}

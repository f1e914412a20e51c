package io.sparkllama4.architecture;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/// Which package may import which. A package may also import what those that it may import may
/// import; nothing else. Names are relative to the root, `io.sparkllama4`.
final class Arrows {
  private static final Map<String, Set<String>> DIRECT = new LinkedHashMap<>();

  static {
    // Everybody may say what went wrong, and nothing says it for them: decision 001.
    allow("error");
    allow("tensor", "error");
    allow("backend", "tensor");
    allow("backend.cpu.ffi");
    allow("backend.cpu", "backend", "backend.cpu.ffi");
    allow("backend.cuda.ffi", "error");
    // What a backend's own tests say goes through here to whoever asks for them.
    allow("backend.check", "backend");
    allow("backend.cuda", "backend.check", "backend.cuda.ffi");
    allow("model", "backend");
    allow("engine", "model");
    allow("weights", "model");
    allow("text.jinja");
    allow("text.ffi", "error");
    allow("text", "text.jinja", "text.ffi", "error");
    allow("runtime", "engine", "weights", "text");
    // Plans need shapes alone: no engine, no tokenizer, no device.
    allow("runtime.plan", "weights");
    allow("plugin", "runtime");
    allow("rows", "plugin");
    allow("sql", "rows");
    allow("udfs", "sql");
    // The generator of training data stands alone; it runs without the rest.
    allow("examples.tickets");
    // Benchmarks open a model as everybody does, and may look at all of it.
    allow("cli.bench", "runtime");
    allow("cli.gpu", "cli.bench", "runtime.plan", "backend.check");
    allow("cli", "runtime", "runtime.plan", "cli.bench", "cli.gpu");
    // It names the extension and the plugin by text, as a user's configuration does.
    allow("cli.spark", "cli");
  }

  private Arrows() {}

  private static void allow(String from, String... to) {
    DIRECT.put(from, Set.of(to));
  }

  /// All packages.
  static Set<String> packages() {
    return DIRECT.keySet();
  }

  /// Whether `from` may import `to`.
  static boolean allows(String from, String to) {
    return from.equals(to) || reachable(from).contains(to);
  }

  private static Set<String> reachable(String from) {
    Set<String> all = new HashSet<>();
    for (String next : DIRECT.getOrDefault(from, Set.of())) {
      all.add(next);
      all.addAll(reachable(next));
    }
    return all;
  }
}

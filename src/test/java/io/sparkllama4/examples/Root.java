package io.sparkllama4.examples;

import java.nio.file.Path;

/// The project's root, as the start script and the build name it.
final class Root {
  private Root() {}

  static Path file(String path) {
    return Path.of(System.getProperty("sparkllama4.root")).resolve(path);
  }
}

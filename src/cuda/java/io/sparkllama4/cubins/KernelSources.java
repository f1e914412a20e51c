package io.sparkllama4.cubins;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

/// The sources of the kernels.
///
/// @param kernels the text of each file of kernels, by name
/// @param headers the text of each header, by name
record KernelSources(SortedMap<String, String> kernels, SortedMap<String, String> headers) {
  private static final String FOLDER = "spark-llama4/src/main/cuda";

  /// The sources in the project at `root`.
  static KernelSources of(Path root) throws IOException {
    Path folder = root.resolve(FOLDER);
    SortedMap<String, String> kernels = texts(folder, ".cu");
    if (kernels.isEmpty()) {
      throw new IOException("No file of kernels (*.cu) is in [" + folder + "]");
    }
    return new KernelSources(kernels, texts(folder, ".cuh"));
  }

  private static SortedMap<String, String> texts(Path folder, String ending) throws IOException {
    List<Path> paths;
    try (Stream<Path> all = Files.list(folder)) {
      paths = all.filter(path -> path.toString().endsWith(ending)).toList();
    }
    SortedMap<String, String> texts = new TreeMap<>();
    for (Path path : paths) {
      texts.put(String.valueOf(path.getFileName()), Files.readString(path));
    }
    return texts;
  }

  /// All of them, by name.
  SortedMap<String, String> all() {
    SortedMap<String, String> all = new TreeMap<>(kernels);
    all.putAll(headers);
    return Collections.unmodifiableSortedMap(all);
  }
}

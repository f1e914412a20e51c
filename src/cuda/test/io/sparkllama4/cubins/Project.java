package io.sparkllama4.cubins;

import io.sparkllama4.backend.cuda.KernelArchive;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// What is committed.
final class Project {
  static final Path ROOT = Path.of(System.getProperty("sparkllama4.root"));

  /// What to do when something is out of date.
  static final String RENEW = "run bin/cuda-kernels and commit what it writes";

  private Project() {}

  static byte[] archiveBytes() throws IOException {
    return Files.readAllBytes(ROOT.resolve(Main.ARCHIVE));
  }

  static KernelArchive archive() throws IOException {
    return KernelArchive.read(archiveBytes());
  }
}

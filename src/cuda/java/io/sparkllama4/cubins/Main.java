package io.sparkllama4.cubins;

import io.sparkllama4.backend.cuda.KernelArchive;
import io.sparkllama4.cubins.ffi.Nvrtc;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// Renews the archive of kernels, the record of what it was made of, and the table in
/// `docs/gpu.md`: what `bin/cuda-kernels` runs.
public final class Main {
  /// Where the archive lies in the project.
  static final String ARCHIVE =
      "spark-llama4/src/main/resources/io/sparkllama4/backend/cuda/" + KernelArchive.RESOURCE;

  /// Where its record lies.
  static final String RECORD = ARCHIVE.replace(".zip", ".txt");

  private Main() {}

  /// Compiles and writes.
  ///
  /// @param args the project's folder, and the folder of NVRTC's libraries
  public static void main(String[] args) throws IOException {
    if (args.length != 2) {
      throw new IllegalArgumentException("Give the project's folder and that of NVRTC's libraries");
    }
    Path root = Path.of(args[0]);
    KernelSources sources = KernelSources.of(root);
    byte[] archive;
    try (Nvrtc nvrtc = new Nvrtc(Path.of(args[1]))) {
      archive = KernelCompiler.archive(new KernelCompiler(nvrtc).compile(sources));
    }
    Path file = root.resolve(ARCHIVE);
    Files.createDirectories(file.getParent());
    Files.write(file, archive);
    Files.writeString(root.resolve(RECORD), BuildRecord.of(sources, archive).text());
    Path page = root.resolve(KernelTable.PAGE);
    Files.writeString(
        page,
        KernelTable.into(Files.readString(page), KernelArchive.read(archive), Limits.of(root)));
  }
}

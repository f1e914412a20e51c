package io.sparkllama4.weights;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/// Names a checkpoint by its content: a SHA-256 over its small files whole and its weights.
///
/// Weight files of up to 64 MiB count whole. Of larger ones the first MiB, which holds the header,
/// the size and 4,096 evenly spaced pages of 4 KiB count, so that a model of hundreds of gigabytes
/// is named within seconds; two checkpoints that were trained, merged or quantised differently
/// differ in nearly every page.
final class CheckpointDigest {
  private static final String[] SMALL_FILES = {
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja"
  };

  private static final long WHOLE_BYTES = 64L << 20;
  private static final long HEAD_BYTES = 1L << 20;
  private static final long PAGE_BYTES = 4096;
  private static final long PAGES = 4096;

  private final MessageDigest sha256;

  private CheckpointDigest() {
    try {
      sha256 = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has SHA-256", e);
    }
  }

  /// The digest as `sha256:` and 64 hexadecimal digits.
  static String of(Path directory, TensorFiles files) {
    CheckpointDigest digest = new CheckpointDigest();
    for (String name : SMALL_FILES) {
      Path file = directory.resolve(name);
      if (Files.isRegularFile(file)) {
        try {
          byte[] bytes = Files.readAllBytes(file);
          digest.begin(name, bytes.length);
          digest.sha256.update(bytes);
        } catch (IOException e) {
          throw JsonFiles.unreadable(name, e);
        }
      }
    }
    files.forEachFile(digest::weights);
    return "sha256:" + HexFormat.of().formatHex(digest.sha256.digest());
  }

  /// Separates files, so that bytes cannot move from one to the next unseen.
  private void begin(String name, long size) {
    sha256.update((name + "\0" + size + "\0").getBytes(StandardCharsets.UTF_8));
  }

  private void weights(String name, MemorySegment bytes) {
    long size = bytes.byteSize();
    begin(name, size);
    if (size <= WHOLE_BYTES) {
      update(bytes, 0, size);
      return;
    }
    update(bytes, 0, HEAD_BYTES);
    long stride = (size - HEAD_BYTES) / PAGES;
    for (long page = 0; page < PAGES; page++) {
      update(bytes, HEAD_BYTES + page * stride, Math.min(PAGE_BYTES, stride));
    }
  }

  private void update(MemorySegment bytes, long offset, long length) {
    byte[] buffer = new byte[(int) Math.min(length, 1 << 16)];
    for (long done = 0; done < length; done += buffer.length) {
      int count = (int) Math.min(buffer.length, length - done);
      MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, offset + done, buffer, 0, count);
      sha256.update(buffer, 0, count);
    }
  }
}

package io.sparkllama4.weights;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
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

  /// No small file that is longer can be read; so much of it is still hashed within seconds.
  private static final long MOST_SMALL_BYTES = 128L << 20;

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
          digest.small(name, file);
        } catch (IOException e) {
          throw JsonFiles.unreadable(name, e);
        }
      }
    }
    files.forEachFile(digest::weights);
    return "sha256:" + HexFormat.of().formatHex(digest.sha256.digest());
  }

  /// Reads in pieces: what a stranger's file is as large as is not known yet.
  private void small(String name, Path file) throws IOException {
    begin(name, Files.size(file));
    byte[] buffer = new byte[1 << 16];
    try (InputStream bytes = Files.newInputStream(file)) {
      int count = bytes.read(buffer);
      for (long done = 0; count > 0 && done < MOST_SMALL_BYTES; done += buffer.length) {
        sha256.update(buffer, 0, count);
        count = bytes.read(buffer);
      }
    }
  }

  /// Separates files, so that bytes cannot move from one to the next unseen.
  private void begin(String name, long size) {
    sha256.update((name + "\0" + size + "\0").getBytes(StandardCharsets.UTF_8));
  }

  private void weights(String name, Path file) {
    try (FileChannel channel = FileChannel.open(file)) {
      long size = channel.size();
      begin(name, size);
      if (size <= WHOLE_BYTES) {
        update(channel, 0, size);
        return;
      }
      update(channel, 0, HEAD_BYTES);
      long stride = (size - HEAD_BYTES) / PAGES;
      for (long page = 0; page < PAGES; page++) {
        update(channel, HEAD_BYTES + page * stride, Math.min(PAGE_BYTES, stride));
      }
    } catch (IOException e) {
      throw JsonFiles.unreadable(name, e);
    }
  }

  /// Reads rather than looks into the mapping: around a page that is touched there, the system
  /// reads many more, which over all pages can come to the whole file.
  private void update(FileChannel channel, long offset, long length) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate((int) Math.min(length, 1 << 16));
    for (long done = 0; done < length; done += buffer.limit()) {
      buffer.clear().limit((int) Math.min(buffer.capacity(), length - done));
      SafetensorsHeader.readFully(channel, buffer, offset + done);
      sha256.update(buffer.flip());
    }
  }
}

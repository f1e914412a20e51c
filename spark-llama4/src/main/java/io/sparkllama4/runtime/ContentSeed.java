package io.sparkllama4.runtime;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/// The seed of a row that names none: a function of the query's seed and of the row's content, so
/// that no partitioning, order or retry changes a sample.
public final class ContentSeed {
  private ContentSeed() {}

  /// The seed of a prompt of `ids`: the first 63 bits of a SHA-256 over the query's seed and the
  /// ids.
  public static long of(long querySeed, int[] ids) {
    ByteBuffer content = ByteBuffer.allocate(Long.BYTES + Integer.BYTES * ids.length);
    content.putLong(querySeed);
    for (int id : ids) {
      content.putInt(id);
    }
    try {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(content.array());
      return ByteBuffer.wrap(digest).getLong() >>> 1;
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has SHA-256", e);
    }
  }
}

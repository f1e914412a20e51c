package io.sparkllama4.text.ffi;

import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/// One tokenizer of the native library. Any number of threads may encode at the same time; closing
/// waits for them.
public final class NativeTokenizer implements AutoCloseable {
  private final TokenizersLibrary library;
  private final ReadWriteLock lock = new ReentrantReadWriteLock();
  private long handle;

  private NativeTokenizer(TokenizersLibrary library, long handle) {
    this.library = library;
    this.handle = handle;
  }

  /// The tokenizer that `json` describes, in the format of `tokenizer.json`.
  ///
  /// @throws IllegalArgumentException where the library refuses it
  /// @throws io.sparkllama4.error.Llama4Exception where the library cannot be loaded
  public static NativeTokenizer of(String json) {
    TokenizersLibrary library = TokenizerLibrary.library();
    long handle;
    try {
      handle = library.createTokenizerFromString(json);
    } catch (RuntimeException e) {
      throw new IllegalArgumentException(e.getMessage(), e);
    }
    if (handle == 0) {
      throw new IllegalArgumentException("The tokenizer library gave no reason");
    }
    return new NativeTokenizer(library, handle);
  }

  /// The ids of `text`, nothing added.
  ///
  /// @throws IllegalStateException after closing
  public int[] encode(String text) {
    Lock reading = lock.readLock();
    reading.lock();
    try {
      if (handle == 0) {
        throw new IllegalStateException("The tokenizer is closed");
      }
      long encoding = library.encode(handle, text, false);
      try {
        long[] ids = library.getTokenIds(encoding);
        int[] narrow = new int[ids.length];
        for (int i = 0; i < ids.length; i++) {
          narrow[i] = Math.toIntExact(ids[i]);
        }
        return narrow;
      } finally {
        library.deleteEncoding(encoding);
      }
    } finally {
      reading.unlock();
    }
  }

  @Override
  public void close() {
    Lock writing = lock.writeLock();
    writing.lock();
    try {
      if (handle != 0) {
        library.deleteTokenizer(handle);
        handle = 0;
      }
    } finally {
      writing.unlock();
    }
  }
}

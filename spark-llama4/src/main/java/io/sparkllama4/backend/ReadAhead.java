package io.sparkllama4.backend;

/// Brings stored weights into memory before they are placed, so that a disk reads while processors
/// pack.
public interface ReadAhead extends AutoCloseable {
  /// Where there is nothing to read.
  ReadAhead NONE =
      new ReadAhead() {
        @Override
        public void next() {
          // Nothing is read.
        }

        @Override
        public void close() {
          // Nothing is open.
        }
      };

  /// The next of the weights is about to be placed: waits until it has been read.
  void next();

  /// Stops reading; called before the weights' files are closed.
  @Override
  void close();
}

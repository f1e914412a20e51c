package io.sparkllama4.weights;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.Objects;
import java.util.UUID;

/// A file that gets its name when all of it is on the disk: until then it lies beside it under a
/// name of its own, so that any number of processes may write the same file, and readers see a
/// whole one or none.
///
/// Its writer holds a lock on it. The lock of a killed process ends with it, which tells what it
/// has left over from what somebody is writing.
final class UnfinishedFile implements AutoCloseable {
  private static final String SUFFIX = ".unfinished";

  private final Path target;
  private final Path path;
  private final FileChannel channel;

  private UnfinishedFile(Path target, Path path, FileChannel channel) {
    this.target = target;
    this.path = path;
    this.channel = channel;
  }

  /// Names this process among all that the machine has had since it was started.
  private static String process() {
    ProcessHandle self = ProcessHandle.current();
    long start = self.info().startInstant().map(Instant::toEpochMilli).orElse(0L);
    return "." + self.pid() + "-" + start + ".";
  }

  /// A new file that will become `target`, in the same directory.
  static UnfinishedFile create(Path target) throws IOException {
    while (true) {
      String name = target.getFileName() + process() + UUID.randomUUID() + SUFFIX;
      Path path = target.resolveSibling(name);
      FileChannel channel =
          FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
      try {
        channel.lock();
      } catch (IOException e) {
        channel.close();
        Files.deleteIfExists(path);
        throw e;
      }
      if (Files.exists(path)) {
        return new UnfinishedFile(target, path, channel);
      }
      // Somebody took it for left over before it was locked.
      channel.close();
    }
  }

  /// Where to write.
  FileChannel channel() {
    return channel;
  }

  /// Brings what was written to the disk and gives it its name.
  void finish() throws IOException {
    channel.force(true);
    Files.move(path, target, StandardCopyOption.ATOMIC_MOVE);
  }

  /// Removes the file unless it was finished.
  @Override
  public void close() throws IOException {
    channel.close();
    Files.deleteIfExists(path);
  }

  /// Removes what processes that are no more have left over beside `target`.
  static void removeLeftovers(Path target) throws IOException {
    Path directory = Objects.requireNonNull(target.toAbsolutePath().getParent());
    String own = process();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "*" + SUFFIX)) {
      for (Path file : files) {
        // To open and close a file of this process would end its lock.
        if (!file.getFileName().toString().contains(own)) {
          removeUnlessLocked(file);
        }
      }
    }
  }

  private static void removeUnlessLocked(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE);
        FileLock lock = channel.tryLock()) {
      if (lock != null) {
        Files.deleteIfExists(file);
      }
    } catch (NoSuchFileException e) {
      // Finished or removed by its writer meanwhile.
      return;
    }
  }
}

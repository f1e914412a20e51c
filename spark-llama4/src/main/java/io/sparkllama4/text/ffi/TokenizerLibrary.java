package io.sparkllama4.text.ffi;

import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.error.Llama4Exception;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// Loads the CPU build of the tokenizer library that DJL's jar brings.
///
/// DJL's own loader is left aside: it looks for CUDA and may download another build, keeps its
/// files under a home directory that need not be writable, and shares one path between class
/// loaders, of which Java lets only one load it. Here every class loader unpacks a copy of its own
/// into a directory that only this user can enter, loads it and deletes it again.
final class TokenizerLibrary {
  /// DJL's name for the place of its files; users who know it expect it to count.
  private static final String DIRECTORY_KEY = "DJL_CACHE_DIR";

  /// The holder's initialisation makes sure that the library is loaded once.
  private static final class Holder {
    static final Optional<Llama4Exception> FAILURE = load();
  }

  private TokenizerLibrary() {}

  /// The library.
  ///
  /// @throws Llama4Exception where it cannot be loaded on this machine
  static TokenizersLibrary library() {
    if (Holder.FAILURE.isPresent()) {
      Llama4Exception failure = Holder.FAILURE.get();
      throw new Llama4Exception(failure.report(), failure);
    }
    return TokenizersLibrary.LIB;
  }

  private static Optional<Llama4Exception> load() {
    String resource = resource();
    ClassLoader loader = TokenizersLibrary.class.getClassLoader();
    List<String> reasons = new ArrayList<>();
    for (Path directory : directories()) {
      if (!Files.isDirectory(directory)) {
        reasons.add(directory + ": no directory");
        continue;
      }
      try (InputStream library = loader.getResourceAsStream(resource)) {
        if (library == null) {
          return Optional.of(failure("it has no build [" + resource + "]"));
        }
        load(library, directory);
        return Optional.empty();
      } catch (IOException | UnsatisfiedLinkError e) {
        reasons.add(directory + ": " + e);
      }
    }
    return Optional.of(failure(String.join("; ", reasons)));
  }

  private static String resource() {
    String system = System.getProperty("os.name").toLowerCase(Locale.ROOT);
    String os = system.startsWith("mac") ? "osx" : system.startsWith("win") ? "win" : "linux";
    String arch = System.getProperty("os.arch").replace("amd64", "x86_64");
    return "native/lib/" + os + "-" + arch + "/cpu/" + System.mapLibraryName("tokenizers");
  }

  /// Where to unpack, the first that works: what the user names, the place for temporary files, and
  /// the home directory, in case no program may be run from the second.
  private static List<Path> directories() {
    List<Path> directories = new ArrayList<>();
    String named = System.getenv(DIRECTORY_KEY);
    for (String place : new String[] {named, System.getProperty(DIRECTORY_KEY)}) {
      if (place != null && !place.isEmpty()) {
        directories.add(Path.of(place));
      }
    }
    directories.add(Path.of(System.getProperty("java.io.tmpdir")));
    directories.add(Path.of(System.getProperty("user.home")));
    return directories;
  }

  // System.load is a restricted method, as all loading of native code is.
  @SuppressWarnings("restricted")
  private static void load(InputStream library, Path directory) throws IOException {
    // The name is not to be guessed and its rights are the owner's alone: nobody else can put a
    // library of theirs here.
    Path own = Files.createTempDirectory(directory, "spark-llama4-");
    Path file = own.resolve(System.mapLibraryName("tokenizers"));
    try {
      Files.copy(library, file);
      System.load(file.toAbsolutePath().toString());
    } finally {
      delete(file);
      delete(own);
    }
  }

  /// A loaded library needs its file no more, save on Windows, which refuses to delete it before
  /// the end of the process.
  private static void delete(Path path) {
    if (!path.toFile().delete()) {
      path.toFile().deleteOnExit();
    }
  }

  private static Llama4Exception failure(String reasons) {
    return ErrorReport.of(
            ErrorCode.UNSUPPORTED_FEATURE, "Cannot load the tokenizer library: " + reasons)
        .key(DIRECTORY_KEY)
        .exception();
  }
}

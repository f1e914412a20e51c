package io.sparkllama4.backend.cuda.ffi;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// A library of the system that may be missing: either its symbols, or the reason why not.
///
/// Where a user names a library it is the only one that is tried: another one in its place would
/// surprise.
public final class NativeLibrary {
  /// Resolve symbols when they are used, and keep them to whoever opened the library: the flags of
  /// `dlopen` that the JDK opens libraries with.
  private static final int LAZY = 1;

  private final Optional<SymbolLookup> symbols;
  private final String origin;
  private final String reason;

  private NativeLibrary(Optional<SymbolLookup> symbols, String origin, String reason) {
    this.symbols = symbols;
    this.origin = origin;
    this.reason = reason;
  }

  /// Where a library is looked for, in this order.
  ///
  /// @param property a system property with a path or a name; it has the name of the key in Spark
  /// @param environment an environment variable with the same
  /// @param names what the system's loader is asked for where neither is set
  public record Sources(String property, String environment, List<String> names) {
    /// Keeps its own copy.
    public Sources {
      names = List.copyOf(names);
    }
  }

  /// Opens the first library that is there; never throws.
  public static NativeLibrary find(Sources sources) {
    String named = System.getProperty(sources.property(), "");
    if (!named.isEmpty()) {
      return only(named, "as " + sources.property() + " asks");
    }
    String environment = System.getenv(sources.environment());
    if (environment != null && !environment.isEmpty()) {
      return only(environment, "as the environment variable " + sources.environment() + " asks");
    }
    List<String> tried = new ArrayList<>();
    for (String name : sources.names()) {
      NativeLibrary library = open(name);
      if (library.isPresent()) {
        return library;
      }
      tried.add(library.reason());
    }
    return absent(
        sources.names().getFirst(),
        String.join("; ", tried)
            + "; "
            + sources.property()
            + " or the environment variable "
            + sources.environment()
            + " may name another file");
  }

  private static NativeLibrary only(String library, String why) {
    NativeLibrary found = open(library);
    return found.isPresent() ? found : absent(library, found.reason() + ", " + why);
  }

  /// Opens one library by path or name; never throws.
  @SuppressWarnings("restricted") // So is all loading of native code.
  public static NativeLibrary open(String library) {
    // Never closed: code that has been loaded stays as long as the process.
    Arena arena = Arena.ofShared();
    try {
      SymbolLookup symbols =
          library.indexOf('/') >= 0
              ? SymbolLookup.libraryLookup(Path.of(library), arena)
              : SymbolLookup.libraryLookup(library, arena);
      return new NativeLibrary(Optional.of(symbols), library, "");
    } catch (IllegalArgumentException | IllegalCallerException e) {
      arena.close();
      return absent(library, "cannot open [" + library + "]: " + loaderMessage(library, e));
    }
  }

  private static NativeLibrary absent(String library, String reason) {
    return new NativeLibrary(Optional.empty(), library, reason);
  }

  /// What the system's loader says, which the JDK keeps to itself.
  @SuppressWarnings("restricted") // So is every call of native code.
  private static String loaderMessage(String library, RuntimeException failure) {
    String known = String.valueOf(failure.getMessage());
    if (failure instanceof IllegalCallerException) {
      return known + "; --enable-native-access=ALL-UNNAMED allows it";
    }
    Linker linker = Linker.nativeLinker();
    Optional<MemorySegment> open = linker.defaultLookup().find("dlopen");
    Optional<MemorySegment> error = linker.defaultLookup().find("dlerror");
    if (open.isEmpty() || error.isEmpty()) {
      return known;
    }
    MethodHandle dlopen =
        linker.downcallHandle(
            open.get(),
            FunctionDescriptor.of(
                ValueLayout.JAVA_LONG, ValueLayout.ADDRESS, ValueLayout.JAVA_INT));
    MethodHandle dlerror =
        linker.downcallHandle(error.get(), FunctionDescriptor.of(ValueLayout.ADDRESS));
    try (Arena arena = Arena.ofConfined()) {
      long handle = (long) dlopen.invokeExact(arena.allocateFrom(library), LAZY);
      MemorySegment message = (MemorySegment) dlerror.invokeExact();
      return handle != 0 || message.address() == 0 ? known : DeviceSegments.text(message);
    } catch (Throwable e) {
      throw new IllegalStateException("dlopen could not be called", e);
    }
  }

  /// Whether it is there.
  public boolean isPresent() {
    return symbols.isPresent();
  }

  /// The path or name that was opened, or tried first.
  public String origin() {
    return origin;
  }

  /// Why it is not there, and what was tried; empty where it is.
  public String reason() {
    return reason;
  }

  /// A function's address; empty where the library is missing or too old to have it.
  public Optional<MemorySegment> find(String symbol) {
    return symbols.flatMap(found -> found.find(symbol));
  }
}

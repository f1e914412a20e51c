package io.sparkllama4.backend.cuda.ffi;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/// A function of a library: its exported name and its shape. It can be called in every form that
/// its shape has; in another one the call fails at once.
///
/// A record, because the JVM takes the handle in it for a constant and compiles the call into its
/// caller.
///
/// @param index its place among all
/// @param symbol the exported name, with its version
/// @param shape result and arguments
/// @param handle calls it, with its address as first argument
/// @param optional whether drivers that are new enough for the rest may lack it
public record EntryPoint(
    int index, String symbol, FunctionDescriptor shape, MethodHandle handle, boolean optional) {

  private IllegalStateException unexpected(Throwable failure) {
    return new IllegalStateException(symbol + " could not be called as " + shape, failure);
  }

  int call(MemorySegment at) {
    try {
      return (int) handle.invokeExact(at);
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  int call(MemorySegment at, int a) {
    try {
      return (int) handle.invokeExact(at, a);
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  int call(MemorySegment at, MemorySegment a) {
    try {
      return (int) handle.invokeExact(at, a);
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  int call(MemorySegment at, MemorySegment a, int b) {
    try {
      return (int) handle.invokeExact(at, a, b);
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  int call(MemorySegment at, MemorySegment a, int b, int c) {
    try {
      return (int) handle.invokeExact(at, a, b, c);
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  int call(MemorySegment at, long a) {
    try {
      return (int) handle.invokeExact(at, a);
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  int call(MemorySegment at, MemorySegment a, MemorySegment b) {
    try {
      return (int) handle.invokeExact(at, a, b);
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  int call(MemorySegment at, MemorySegment a, long b) {
    try {
      return (int) handle.invokeExact(at, a, b);
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  int call(MemorySegment at, MemorySegment a, long b, int c) {
    try {
      return (int) handle.invokeExact(at, a, b, c);
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  int call(MemorySegment at, long a, MemorySegment b, long c, long d) {
    try {
      return (int) handle.invokeExact(at, a, b, c, d);
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  int call(MemorySegment at, MemorySegment a, long b, long c, long d) {
    try {
      return (int) handle.invokeExact(at, a, b, c, d);
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  int call(MemorySegment at, long a, long b, long c, long d) {
    try {
      return (int) handle.invokeExact(at, a, b, c, d);
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  int call(MemorySegment at, long a, long b, long c, long d, long e, long f) {
    try {
      return (int) handle.invokeExact(at, a, b, c, d, e, f);
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  int call(MemorySegment at, long a, byte b, long c, long d) {
    try {
      return (int) handle.invokeExact(at, a, b, c, d);
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  int call(MemorySegment at, long a, long b, int c) {
    try {
      return (int) handle.invokeExact(at, a, b, c);
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  int call(MemorySegment at, long a, long b) {
    try {
      return (int) handle.invokeExact(at, a, b);
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  int call(MemorySegment at, MemorySegment a, long b, long c) {
    try {
      return (int) handle.invokeExact(at, a, b, c);
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  int call(MemorySegment at, MemorySegment a, long b, MemorySegment c) {
    try {
      return (int) handle.invokeExact(at, a, b, c);
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  int call(MemorySegment at, long a, int b, int c) {
    try {
      return (int) handle.invokeExact(at, a, b, c);
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  int call(MemorySegment at, MemorySegment a, int b, long c) {
    try {
      return (int) handle.invokeExact(at, a, b, c);
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  int call(MemorySegment at, long a, long b, MemorySegment c, MemorySegment d) {
    try {
      return (int) handle.invokeExact(at, a, b, c, d);
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  int call(MemorySegment at, long a, int b) {
    try {
      return (int) handle.invokeExact(at, a, b);
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  int call(MemorySegment at, long a, MemorySegment b) {
    try {
      return (int) handle.invokeExact(at, a, b);
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  int call(MemorySegment at, int a, MemorySegment b) {
    try {
      return (int) handle.invokeExact(at, a, b);
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  int call(MemorySegment at, MemorySegment a, int b, MemorySegment c) {
    try {
      return (int) handle.invokeExact(at, a, b, c);
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  int call(MemorySegment at, long a, long b, long c, int d, int e, long f, long g) {
    try {
      return (int) handle.invokeExact(at, a, b, c, d, e, f, g);
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }
}

package io.sparkllama4.benchmarks.host;

import io.sparkllama4.backend.Backend;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A backend of one rank whose calls a clock hears of.
final class WatchedBackend implements InvocationHandler {
  private final Backend backend;
  private final HostClock clock;

  private WatchedBackend(Backend backend, HostClock clock) {
    this.backend = backend;
    this.clock = clock;
  }

  /// All calls go to `backend`.
  static Backend of(Backend backend, HostClock clock) {
    return (Backend)
        Proxy.newProxyInstance(
            Backend.class.getClassLoader(),
            new Class<?>[] {Backend.class},
            new WatchedBackend(backend, clock));
  }

  /// What `body` asks of the backend is heard of by itself: the rest of it is the engine's.
  private void together(Runnable body) {
    long start = System.nanoTime();
    long[] inside = new long[1];
    backend.together(
        () -> {
          long begun = System.nanoTime();
          body.run();
          inside[0] = System.nanoTime() - begun;
        });
    clock.inBackend(System.nanoTime() - start - inside[0]);
  }

  @Override
  public @Nullable Object invoke(Object proxy, Method method, Object @Nullable [] arguments)
      throws Throwable {
    if (method.getName().equals("ranks")) {
      return List.of(proxy); // So that what goes to the rank is heard of as well.
    }
    if (arguments != null && method.getName().equals("together")) {
      together((Runnable) arguments[0]);
      return null;
    }
    long start = System.nanoTime();
    try {
      return method.invoke(backend, arguments);
    } catch (InvocationTargetException e) {
      throw e.getTargetException();
    } finally {
      clock.inBackend(System.nanoTime() - start);
    }
  }
}

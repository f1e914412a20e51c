package io.sparkllama4.backend.cuda;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// What a stream was given once, ready to be done again with one call: the same kernels on the same
/// addresses with the same arguments.
public final class CudaGraph extends DeviceResource {
  private final long handle;

  private CudaGraph(CudaDevice device, long handle) {
    super(device);
    this.handle = handle;
  }

  /// Records what `body` gives `stream`, which does nothing of it now.
  ///
  /// On the device's thread. The body allocates nothing, uploads nothing and waits for nothing. If
  /// it fails, the recording is given up, and the stream can be used as before.
  public static CudaGraph capture(CudaStream stream, Runnable body) {
    CudaDevice device = stream.device();
    stream.beginCapture();
    long graph;
    try {
      body.run();
      graph = stream.endCapture();
    } catch (RuntimeException | Error e) {
      abandon(stream, e);
      throw e;
    }
    if (graph == 0) {
      throw new IllegalStateException("The recording of a stream was invalidated while it ran");
    }
    return instantiate(device, graph);
  }

  private static void abandon(CudaStream stream, Throwable reason) {
    CudaDevice device = stream.device();
    try {
      long graph = stream.endCapture();
      if (graph != 0) {
        device.check(device.driver().graphDestroy(graph), "cuGraphDestroy");
      }
    } catch (CudaException e) {
      reason.addSuppressed(e);
    }
  }

  private static CudaGraph instantiate(CudaDevice device, long graph) {
    MemorySegment out = device.out();
    int result = device.driver().graphInstantiate(out, graph, 0);
    long executable = result == 0 ? out.get(ValueLayout.JAVA_LONG, 0) : 0;
    // The executable form is on its own.
    int destroyed = device.driver().graphDestroy(graph);
    if (result != 0) {
      CudaException refused = device.failure(result, "cuGraphInstantiateWithFlags");
      if (destroyed != 0) {
        refused.addSuppressed(device.failure(destroyed, "cuGraphDestroy"));
      }
      throw refused;
    }
    CudaGraph made = device.opened(new CudaGraph(device, executable));
    if (destroyed != 0) {
      CudaException refused = device.failure(destroyed, "cuGraphDestroy");
      made.close();
      throw refused;
    }
    return made;
  }

  /// Does it all on `stream`; on the device's thread.
  public void launch(CudaStream stream) {
    device.enter();
    device.check(device.driver().graphLaunch(handle, stream.handle()), "cuGraphLaunch");
  }

  @Override
  int release() {
    return device.driver().graphExecDestroy(handle);
  }

  @Override
  String releasing() {
    return "cuGraphExecDestroy";
  }
}

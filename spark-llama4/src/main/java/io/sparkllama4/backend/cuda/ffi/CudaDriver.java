package io.sparkllama4.backend.cuda.ffi;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.error.Llama4Exception;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The driver's functions, as they are: each returns a `CUresult`, 0 for success, and writes what
/// it gives to memory of the caller.
///
/// Functions are looked up when they are called first, so that an older driver serves whoever does
/// not need what it lacks. Save for error texts, every function but those before a context exists
/// wants the thread that the context is current on.
public final class CudaDriver {
  /// Where the driver is found.
  public static final NativeLibrary.Sources SOURCES =
      new NativeLibrary.Sources(
          "spark.llama4.cuda.library", "SPARK_LLAMA4_CUDA_LIBRARY", List.of("libcuda.so.1"));

  private final NativeLibrary library;

  /// By the index of the entry point. A function may be looked up twice, with the same result.
  private final @Nullable MemorySegment[] addresses =
      new @Nullable MemorySegment[EntryPoints.all().size()];

  /// @param library that is present
  public CudaDriver(NativeLibrary library) {
    this.library = library;
  }

  /// The file or name of its library.
  public String origin() {
    return library.origin();
  }

  /// Whether this driver has `entry`.
  public boolean has(EntryPoint entry) {
    return library.find(entry.symbol()).isPresent();
  }

  private MemorySegment at(EntryPoint entry) {
    MemorySegment address = addresses[entry.index()];
    if (address == null) {
      address = library.find(entry.symbol()).orElseThrow(() -> missing(entry));
      addresses[entry.index()] = address;
    }
    return address;
  }

  private Llama4Exception missing(EntryPoint entry) {
    return ErrorReport.of(
            ErrorCode.BACKEND_UNAVAILABLE,
            "The CUDA driver ["
                + library.origin()
                + "] has no function "
                + entry.symbol()
                + ": a newer driver has it")
        .key(SOURCES.property())
        .exception();
  }

  /// CUDA's name of a result, such as `CUDA_ERROR_OUT_OF_MEMORY`; empty where it knows none.
  public Optional<String> errorName(int result) {
    return errorText(EntryPoints.GET_ERROR_NAME, result);
  }

  /// CUDA's description of a result; empty where it knows none.
  public Optional<String> errorString(int result) {
    return errorText(EntryPoints.GET_ERROR_STRING, result);
  }

  private Optional<String> errorText(EntryPoint entry, int result) {
    if (!has(entry)) {
      return Optional.empty();
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment text = arena.allocate(ValueLayout.ADDRESS);
      if (entry.call(at(entry), result, text) != 0) {
        return Optional.empty();
      }
      MemorySegment address = text.get(ValueLayout.ADDRESS, 0);
      return address.address() == 0 ? Optional.empty() : Optional.of(DeviceSegments.text(address));
    }
  }

  /// `cuInit`.
  public int init(int flags) {
    return EntryPoints.INIT.call(at(EntryPoints.INIT), flags);
  }

  /// `cuDriverGetVersion`: 1000 * major + 10 * minor.
  public int driverGetVersion(MemorySegment version) {
    return EntryPoints.DRIVER_GET_VERSION.call(at(EntryPoints.DRIVER_GET_VERSION), version);
  }

  /// `cuDeviceGetCount`.
  public int deviceGetCount(MemorySegment count) {
    return EntryPoints.DEVICE_GET_COUNT.call(at(EntryPoints.DEVICE_GET_COUNT), count);
  }

  /// `cuDeviceGet`.
  public int deviceGet(MemorySegment device, int ordinal) {
    return EntryPoints.DEVICE_GET.call(at(EntryPoints.DEVICE_GET), device, ordinal);
  }

  /// `cuDeviceGetName`.
  public int deviceGetName(MemorySegment name, int bytes, int device) {
    return EntryPoints.DEVICE_GET_NAME.call(at(EntryPoints.DEVICE_GET_NAME), name, bytes, device);
  }

  /// `cuDeviceGetUuid`: 16 bytes.
  public int deviceGetUuid(MemorySegment uuid, int device) {
    return EntryPoints.DEVICE_GET_UUID.call(at(EntryPoints.DEVICE_GET_UUID), uuid, device);
  }

  /// `cuDeviceGetAttribute`.
  public int deviceGetAttribute(MemorySegment value, int attribute, int device) {
    return EntryPoints.DEVICE_GET_ATTRIBUTE.call(
        at(EntryPoints.DEVICE_GET_ATTRIBUTE), value, attribute, device);
  }

  /// `cuDeviceTotalMem`.
  public int deviceTotalMem(MemorySegment bytes, int device) {
    return EntryPoints.DEVICE_TOTAL_MEM.call(at(EntryPoints.DEVICE_TOTAL_MEM), bytes, device);
  }

  /// `cuDeviceCanAccessPeer`.
  public int deviceCanAccessPeer(MemorySegment can, int device, int peer) {
    return EntryPoints.DEVICE_CAN_ACCESS_PEER.call(
        at(EntryPoints.DEVICE_CAN_ACCESS_PEER), can, device, peer);
  }

  /// `cuDevicePrimaryCtxRetain`.
  public int primaryCtxRetain(MemorySegment context, int device) {
    return EntryPoints.PRIMARY_CTX_RETAIN.call(at(EntryPoints.PRIMARY_CTX_RETAIN), context, device);
  }

  /// `cuDevicePrimaryCtxRelease`.
  public int primaryCtxRelease(int device) {
    return EntryPoints.PRIMARY_CTX_RELEASE.call(at(EntryPoints.PRIMARY_CTX_RELEASE), device);
  }

  /// `cuCtxSetCurrent`.
  public int ctxSetCurrent(long context) {
    return EntryPoints.CTX_SET_CURRENT.call(at(EntryPoints.CTX_SET_CURRENT), context);
  }

  /// `cuCtxSynchronize`.
  public int ctxSynchronize() {
    return EntryPoints.CTX_SYNCHRONIZE.call(at(EntryPoints.CTX_SYNCHRONIZE));
  }

  /// `cuCtxEnablePeerAccess`.
  public int ctxEnablePeerAccess(long peerContext, int flags) {
    return EntryPoints.CTX_ENABLE_PEER_ACCESS.call(
        at(EntryPoints.CTX_ENABLE_PEER_ACCESS), peerContext, flags);
  }

  /// `cuMemGetInfo`, in bytes.
  public int memGetInfo(MemorySegment free, MemorySegment total) {
    return EntryPoints.MEM_GET_INFO.call(at(EntryPoints.MEM_GET_INFO), free, total);
  }

  /// `cuMemAlloc`.
  public int memAlloc(MemorySegment address, long bytes) {
    return EntryPoints.MEM_ALLOC.call(at(EntryPoints.MEM_ALLOC), address, bytes);
  }

  /// `cuMemFree`.
  public int memFree(long address) {
    return EntryPoints.MEM_FREE.call(at(EntryPoints.MEM_FREE), address);
  }

  /// `cuMemHostAlloc`.
  public int memHostAlloc(MemorySegment address, long bytes, int flags) {
    return EntryPoints.MEM_HOST_ALLOC.call(at(EntryPoints.MEM_HOST_ALLOC), address, bytes, flags);
  }

  /// `cuMemFreeHost`.
  public int memFreeHost(long address) {
    return EntryPoints.MEM_FREE_HOST.call(at(EntryPoints.MEM_FREE_HOST), address);
  }

  /// `cuMemHostGetDevicePointer`.
  public int memHostGetDevicePointer(MemorySegment address, long hostAddress, int flags) {
    return EntryPoints.MEM_HOST_GET_DEVICE_POINTER.call(
        at(EntryPoints.MEM_HOST_GET_DEVICE_POINTER), address, hostAddress, flags);
  }

  /// `cuMemcpyHtoDAsync`: the source is read later, and must be pinned memory.
  public int memcpyToDevice(long target, MemorySegment source, long bytes, long stream) {
    return EntryPoints.MEMCPY_TO_DEVICE.call(
        at(EntryPoints.MEMCPY_TO_DEVICE), target, source, bytes, stream);
  }

  /// `cuMemcpyDtoHAsync`: the target is written later, and must be pinned memory.
  public int memcpyToHost(MemorySegment target, long source, long bytes, long stream) {
    return EntryPoints.MEMCPY_TO_HOST.call(
        at(EntryPoints.MEMCPY_TO_HOST), target, source, bytes, stream);
  }

  /// `cuMemcpyDtoDAsync`.
  public int memcpyOnDevice(long target, long source, long bytes, long stream) {
    return EntryPoints.MEMCPY_ON_DEVICE.call(
        at(EntryPoints.MEMCPY_ON_DEVICE), target, source, bytes, stream);
  }

  /// `cuMemcpyPeerAsync`.
  public int memcpyPeer(
      long target, long targetContext, long source, long sourceContext, long bytes, long stream) {
    return EntryPoints.MEMCPY_PEER.call(
        at(EntryPoints.MEMCPY_PEER), target, targetContext, source, sourceContext, bytes, stream);
  }

  /// `cuMemsetD8Async`.
  public int memset(long target, byte value, long bytes, long stream) {
    return EntryPoints.MEMSET.call(at(EntryPoints.MEMSET), target, value, bytes, stream);
  }

  /// `cuStreamCreate`.
  public int streamCreate(MemorySegment stream, int flags) {
    return EntryPoints.STREAM_CREATE.call(at(EntryPoints.STREAM_CREATE), stream, flags);
  }

  /// `cuStreamDestroy`.
  public int streamDestroy(long stream) {
    return EntryPoints.STREAM_DESTROY.call(at(EntryPoints.STREAM_DESTROY), stream);
  }

  /// `cuStreamSynchronize`.
  public int streamSynchronize(long stream) {
    return EntryPoints.STREAM_SYNCHRONIZE.call(at(EntryPoints.STREAM_SYNCHRONIZE), stream);
  }

  /// `cuStreamQuery`.
  public int streamQuery(long stream) {
    return EntryPoints.STREAM_QUERY.call(at(EntryPoints.STREAM_QUERY), stream);
  }

  /// `cuStreamWaitEvent`.
  public int streamWaitEvent(long stream, long event, int flags) {
    return EntryPoints.STREAM_WAIT_EVENT.call(
        at(EntryPoints.STREAM_WAIT_EVENT), stream, event, flags);
  }

  /// `cuStreamBeginCapture`.
  public int streamBeginCapture(long stream, int mode) {
    return EntryPoints.STREAM_BEGIN_CAPTURE.call(
        at(EntryPoints.STREAM_BEGIN_CAPTURE), stream, mode);
  }

  /// `cuStreamEndCapture`.
  public int streamEndCapture(long stream, MemorySegment graph) {
    return EntryPoints.STREAM_END_CAPTURE.call(at(EntryPoints.STREAM_END_CAPTURE), stream, graph);
  }

  /// `cuEventCreate`.
  public int eventCreate(MemorySegment event, int flags) {
    return EntryPoints.EVENT_CREATE.call(at(EntryPoints.EVENT_CREATE), event, flags);
  }

  /// `cuEventRecord`.
  public int eventRecord(long event, long stream) {
    return EntryPoints.EVENT_RECORD.call(at(EntryPoints.EVENT_RECORD), event, stream);
  }

  /// `cuEventSynchronize`.
  public int eventSynchronize(long event) {
    return EntryPoints.EVENT_SYNCHRONIZE.call(at(EntryPoints.EVENT_SYNCHRONIZE), event);
  }

  /// `cuEventQuery`.
  public int eventQuery(long event) {
    return EntryPoints.EVENT_QUERY.call(at(EntryPoints.EVENT_QUERY), event);
  }

  /// `cuEventElapsedTime`: a float.
  public int eventElapsedTime(MemorySegment milliseconds, long start, long end) {
    return EntryPoints.EVENT_ELAPSED_TIME.call(
        at(EntryPoints.EVENT_ELAPSED_TIME), milliseconds, start, end);
  }

  /// `cuEventDestroy`.
  public int eventDestroy(long event) {
    return EntryPoints.EVENT_DESTROY.call(at(EntryPoints.EVENT_DESTROY), event);
  }

  /// `cuModuleLoadData`: a cubin, or PTX that ends with a zero byte.
  public int moduleLoadData(MemorySegment module, MemorySegment image) {
    return EntryPoints.MODULE_LOAD_DATA.call(at(EntryPoints.MODULE_LOAD_DATA), module, image);
  }

  /// `cuModuleUnload`.
  public int moduleUnload(long module) {
    return EntryPoints.MODULE_UNLOAD.call(at(EntryPoints.MODULE_UNLOAD), module);
  }

  /// `cuModuleGetFunction`.
  public int moduleGetFunction(MemorySegment function, long module, MemorySegment name) {
    return EntryPoints.MODULE_GET_FUNCTION.call(
        at(EntryPoints.MODULE_GET_FUNCTION), function, module, name);
  }

  /// `cuFuncSetAttribute`.
  public int funcSetAttribute(long function, int attribute, int value) {
    return EntryPoints.FUNC_SET_ATTRIBUTE.call(
        at(EntryPoints.FUNC_SET_ATTRIBUTE), function, attribute, value);
  }

  /// `cuFuncGetAttribute`.
  public int funcGetAttribute(MemorySegment value, int attribute, long function) {
    return EntryPoints.FUNC_GET_ATTRIBUTE.call(
        at(EntryPoints.FUNC_GET_ATTRIBUTE), value, attribute, function);
  }

  /// `cuFuncGetParamInfo`: invalid value behind the last parameter.
  public int funcGetParamInfo(
      long function, long index, MemorySegment offset, MemorySegment bytes) {
    return EntryPoints.FUNC_GET_PARAM_INFO.call(
        at(EntryPoints.FUNC_GET_PARAM_INFO), function, index, offset, bytes);
  }

  /// `cuGraphInstantiateWithFlags`.
  public int graphInstantiate(MemorySegment executable, long graph, long flags) {
    return EntryPoints.GRAPH_INSTANTIATE.call(
        at(EntryPoints.GRAPH_INSTANTIATE), executable, graph, flags);
  }

  /// `cuGraphLaunch`.
  public int graphLaunch(long executable, long stream) {
    return EntryPoints.GRAPH_LAUNCH.call(at(EntryPoints.GRAPH_LAUNCH), executable, stream);
  }

  /// `cuGraphExecDestroy`.
  public int graphExecDestroy(long executable) {
    return EntryPoints.GRAPH_EXEC_DESTROY.call(at(EntryPoints.GRAPH_EXEC_DESTROY), executable);
  }

  /// `cuGraphDestroy`.
  public int graphDestroy(long graph) {
    return EntryPoints.GRAPH_DESTROY.call(at(EntryPoints.GRAPH_DESTROY), graph);
  }

  /// Whether launches can be checked against what a kernel takes.
  public boolean hasParamInfo() {
    return has(EntryPoints.FUNC_GET_PARAM_INFO);
  }

  /// `cuLaunchKernel`, with blocks of one dimension.
  ///
  /// @param gridX blocks
  /// @param gridY blocks
  /// @param gridZ blocks
  /// @param threads of a block
  /// @param sharedBytes dynamic shared memory of a block
  /// @param parameters the addresses of the arguments
  public int launchKernel(
      long function,
      int gridX,
      int gridY,
      int gridZ,
      int threads,
      int sharedBytes,
      long stream,
      MemorySegment parameters) {
    MemorySegment at = at(EntryPoints.LAUNCH_KERNEL);
    try {
      return (int)
          EntryPoints.LAUNCH_KERNEL
              .handle()
              .invokeExact(
                  at,
                  function,
                  gridX,
                  gridY,
                  gridZ,
                  threads,
                  1,
                  1,
                  sharedBytes,
                  stream,
                  parameters,
                  0L);
    } catch (Throwable e) {
      throw new IllegalStateException("cuLaunchKernel could not be called", e);
    }
  }
}

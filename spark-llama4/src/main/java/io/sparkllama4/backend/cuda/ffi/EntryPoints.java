package io.sparkllama4.backend.cuda.ffi;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/// The functions of the driver that are used. Handles and device addresses are longs, memory of the
/// host is an address.
public final class EntryPoints {
  /// Numbers functions while this class is initialised, and is not changed afterwards.
  private static final class Table {
    private final List<EntryPoint> entries = new ArrayList<>();
  }

  private static final Table TABLE = new Table();

  static final EntryPoint INIT = add("cuInit", "I");
  static final EntryPoint DRIVER_GET_VERSION = add("cuDriverGetVersion", "A");
  static final EntryPoint GET_ERROR_NAME = add("cuGetErrorName", "IA");
  static final EntryPoint GET_ERROR_STRING = add("cuGetErrorString", "IA");

  static final EntryPoint DEVICE_GET_COUNT = add("cuDeviceGetCount", "A");
  static final EntryPoint DEVICE_GET = add("cuDeviceGet", "AI");
  static final EntryPoint DEVICE_GET_NAME = add("cuDeviceGetName", "AII");
  static final EntryPoint DEVICE_GET_UUID = add("cuDeviceGetUuid_v2", "AI");
  static final EntryPoint DEVICE_GET_ATTRIBUTE = add("cuDeviceGetAttribute", "AII");
  static final EntryPoint DEVICE_TOTAL_MEM = add("cuDeviceTotalMem_v2", "AI");
  static final EntryPoint DEVICE_CAN_ACCESS_PEER = add("cuDeviceCanAccessPeer", "AII");

  static final EntryPoint PRIMARY_CTX_RETAIN = add("cuDevicePrimaryCtxRetain", "AI");
  static final EntryPoint PRIMARY_CTX_RELEASE = add("cuDevicePrimaryCtxRelease_v2", "I");
  static final EntryPoint CTX_SET_CURRENT = add("cuCtxSetCurrent", "L");
  static final EntryPoint CTX_SYNCHRONIZE = add("cuCtxSynchronize", "");
  static final EntryPoint CTX_ENABLE_PEER_ACCESS = add("cuCtxEnablePeerAccess", "LI");

  static final EntryPoint MEM_GET_INFO = add("cuMemGetInfo_v2", "AA");
  static final EntryPoint MEM_ALLOC = add("cuMemAlloc_v2", "AL");
  static final EntryPoint MEM_FREE = add("cuMemFree_v2", "L");
  static final EntryPoint MEM_HOST_ALLOC = add("cuMemHostAlloc", "ALI");
  static final EntryPoint MEM_FREE_HOST = add("cuMemFreeHost", "L");
  static final EntryPoint MEM_HOST_GET_DEVICE_POINTER = add("cuMemHostGetDevicePointer_v2", "ALI");
  static final EntryPoint MEMCPY_TO_DEVICE = add("cuMemcpyHtoDAsync_v2", "LALL");
  static final EntryPoint MEMCPY_TO_HOST = add("cuMemcpyDtoHAsync_v2", "ALLL");
  static final EntryPoint MEMCPY_ON_DEVICE = add("cuMemcpyDtoDAsync_v2", "LLLL");
  static final EntryPoint MEMCPY_PEER = add("cuMemcpyPeerAsync", "LLLLLL");
  static final EntryPoint MEMSET = add("cuMemsetD8Async", "LBLL");

  static final EntryPoint STREAM_CREATE = add("cuStreamCreate", "AI");
  static final EntryPoint STREAM_DESTROY = add("cuStreamDestroy_v2", "L");
  static final EntryPoint STREAM_SYNCHRONIZE = add("cuStreamSynchronize", "L");
  static final EntryPoint STREAM_QUERY = add("cuStreamQuery", "L");
  static final EntryPoint STREAM_WAIT_EVENT = add("cuStreamWaitEvent", "LLI");
  static final EntryPoint STREAM_BEGIN_CAPTURE = add("cuStreamBeginCapture_v2", "LI");
  static final EntryPoint STREAM_END_CAPTURE = add("cuStreamEndCapture", "LA");

  static final EntryPoint EVENT_CREATE = add("cuEventCreate", "AI");
  static final EntryPoint EVENT_RECORD = add("cuEventRecord", "LL");
  static final EntryPoint EVENT_SYNCHRONIZE = add("cuEventSynchronize", "L");
  static final EntryPoint EVENT_QUERY = add("cuEventQuery", "L");
  static final EntryPoint EVENT_ELAPSED_TIME = add("cuEventElapsedTime", "ALL");
  static final EntryPoint EVENT_DESTROY = add("cuEventDestroy_v2", "L");

  static final EntryPoint MODULE_LOAD_DATA = add("cuModuleLoadData", "AA");
  static final EntryPoint MODULE_UNLOAD = add("cuModuleUnload", "L");
  static final EntryPoint MODULE_GET_FUNCTION = add("cuModuleGetFunction", "ALA");
  static final EntryPoint FUNC_SET_ATTRIBUTE = add("cuFuncSetAttribute", "LII");
  static final EntryPoint FUNC_GET_ATTRIBUTE = add("cuFuncGetAttribute", "AIL");
  static final EntryPoint FUNC_GET_PARAM_INFO = add("cuFuncGetParamInfo", "LLAA", true);
  static final EntryPoint LAUNCH_KERNEL = add("cuLaunchKernel", "LIIIIIIILAL");

  static final EntryPoint GRAPH_INSTANTIATE = add("cuGraphInstantiateWithFlags", "ALL");
  static final EntryPoint GRAPH_LAUNCH = add("cuGraphLaunch", "LL");
  static final EntryPoint GRAPH_EXEC_DESTROY = add("cuGraphExecDestroy", "L");
  static final EntryPoint GRAPH_DESTROY = add("cuGraphDestroy", "L");

  private EntryPoints() {}

  private static EntryPoint add(String symbol, String arguments) {
    return add(symbol, arguments, false);
  }

  private static EntryPoint add(String symbol, String arguments, boolean optional) {
    EntryPoint entry = of(TABLE.entries.size(), symbol, arguments, optional);
    TABLE.entries.add(entry);
    return entry;
  }

  /// A function of any library that returns an int.
  ///
  /// @param arguments one letter each: `A` address of the host, `I` int, `L` long, `B` byte
  @SuppressWarnings("restricted") // So is every call of native code.
  static EntryPoint of(int index, String symbol, String arguments, boolean optional) {
    MemoryLayout[] layouts =
        arguments
            .chars()
            .mapToObj(
                letter ->
                    switch (letter) {
                      case 'A' -> ValueLayout.ADDRESS;
                      case 'I' -> ValueLayout.JAVA_INT;
                      case 'L' -> ValueLayout.JAVA_LONG;
                      default -> ValueLayout.JAVA_BYTE;
                    })
            .toArray(MemoryLayout[]::new);
    FunctionDescriptor shape = FunctionDescriptor.of(ValueLayout.JAVA_INT, layouts);
    return new EntryPoint(
        index, symbol, shape, Linker.nativeLinker().downcallHandle(shape), optional);
  }

  /// All of them, by their index.
  public static List<EntryPoint> all() {
    return List.copyOf(TABLE.entries);
  }
}

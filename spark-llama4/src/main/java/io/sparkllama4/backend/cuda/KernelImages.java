package io.sparkllama4.backend.cuda;

/// The compiled kernels.
public interface KernelImages {
  /// A cubin or PTX that a device of this compute capability can load.
  ///
  /// @throws io.sparkllama4.error.Llama4Exception with BACKEND_UNAVAILABLE where there is none
  byte[] image(int major, int minor);
}

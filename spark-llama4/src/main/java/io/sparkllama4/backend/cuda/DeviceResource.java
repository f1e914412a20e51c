package io.sparkllama4.backend.cuda;

/// Something that a device holds for its owner, who closes it before the device; what is left over
/// the device closes itself.
abstract class DeviceResource implements AutoCloseable {
  final CudaDevice device;

  /// Made on the device's thread, once there is something to give back.
  DeviceResource(CudaDevice device) {
    this.device = device;
  }

  /// Asks the driver to take it back, on the device's thread.
  ///
  /// @return what the driver said
  abstract int release();

  /// Called once it is gone: given back, or lost with its context.
  void released() {}

  /// The call that gives it back, for messages.
  abstract String releasing();

  /// Gives it back. A second time, or after the device was closed, nothing happens.
  @Override
  public final void close() {
    device.release(this);
  }
}

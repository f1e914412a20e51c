package io.sparkllama4.backend.check;

import io.sparkllama4.backend.BackendProvider;
import java.util.List;

/// A provider of backends that can test the devices they compute on.
public interface DeviceTestsProvider extends BackendProvider {
  /// Tests of one device.
  ///
  /// @param devices addresses of the devices that may be used, the first of which is tested; none
  ///     for any
  /// @throws io.sparkllama4.error.Llama4Exception with BACKEND_UNAVAILABLE and what was tried,
  ///     where there is no device
  DeviceTests deviceTests(List<String> devices);
}

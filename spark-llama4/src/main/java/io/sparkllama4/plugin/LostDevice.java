package io.sparkllama4.plugin;

import org.apache.spark.api.plugin.PluginContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// What an executor does when the device of one of its models is lost: CUDA gives it back to a new
/// process alone. The executor ends, and Spark starts another and computes its tasks again; in
/// Spark's local mode the process is the application's, and goes on without the model.
final class LostDevice {
  /// The status of the process, which Spark shows as the reason of an executor's loss.
  private static final int STATUS = 74;

  /// Until the driver has the failures of the tasks that found it out.
  private static final long GRACE_MILLIS = 1000;

  /// For those who shut the process down; a device that is lost may hold them up.
  private static final long SHUTDOWN_MILLIS = 10_000;

  private static final String DRIVER = "driver";
  private static final Logger LOG = LoggerFactory.getLogger(LostDevice.class);

  private final PluginContext plugin;
  private boolean ending;

  LostDevice(PluginContext plugin) {
    this.plugin = plugin;
  }

  private boolean isLocal() {
    return plugin.executorID().equals(DRIVER);
  }

  /// Says so, and lets this executor end soon.
  synchronized void end(String reason) {
    if (ending) {
      return;
    }
    ending = true;
    if (isLocal()) {
      LOG.error("The device is lost until this application ends: {}", reason);
      return;
    }
    LOG.error("This executor ends, because its device is lost: {}", reason);
    try {
      plugin.send(new ExecutorEnds(plugin.executorID(), reason));
    } catch (Exception e) {
      // Spark throws checked exceptions that it does not declare; the executor must end anyhow.
      LOG.error("The driver cannot be told", e);
    }
    Thread.ofPlatform().daemon().name("llama4-executor-ends").start(LostDevice::exit);
  }

  private static void exit() {
    sleep(GRACE_MILLIS);
    Thread.ofPlatform()
        .daemon()
        .name("llama4-executor-halts")
        .start(
            () -> {
              sleep(SHUTDOWN_MILLIS);
              Runtime.getRuntime().halt(STATUS);
            });
    System.exit(STATUS);
  }

  /// Shorter where somebody interrupts: a task that is killed has nothing to wait for.
  private static void sleep(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /// Holds up a task that comes to an executor which ends: were it refused, Spark would give it to
  /// the same one again, until it has failed too often.
  void awaitEnd() {
    if (!isLocal()) {
      sleep(GRACE_MILLIS + SHUTDOWN_MILLIS);
    }
  }
}

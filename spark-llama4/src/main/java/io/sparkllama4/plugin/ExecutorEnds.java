package io.sparkllama4.plugin;

import java.io.Serializable;

/// What an executor tells the driver before it ends.
///
/// @param executor its name
/// @param reason why it can answer no row any more
record ExecutorEnds(String executor, String reason) implements Serializable {}

package io.sparkllama4.backend.check;

/// A check that was run, or skipped.
///
/// @param name of the check, the same in every run
/// @param finding what it said
/// @param seconds how long it took
public record CheckResult(String name, Finding finding, double seconds) {}

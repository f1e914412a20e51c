package io.sparkllama4.architecture.planted.unmarked;

/// In a package that says nothing of null.
public record Unmarked() {}

package io.sparkllama4.architecture.planted.runtime;

import picocli.CommandLine;

/// The command line below itself.
public record KnowsPicocli(CommandLine line) {}

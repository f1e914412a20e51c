package io.sparkllama4.architecture.planted.runtime;

import io.sparkllama4.architecture.planted.cli.bench.Inside;

/// Benchmarks in the product's way.
public record KnowsBench(Inside inside) {}

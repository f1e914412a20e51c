package io.sparkllama4.architecture.planted.cli;

import io.sparkllama4.architecture.planted.text.jinja.Inside;

/// Two packages that only text may see.
public record KnowsInside(Inside jinja, io.sparkllama4.architecture.planted.text.ffi.Inside ffi) {}

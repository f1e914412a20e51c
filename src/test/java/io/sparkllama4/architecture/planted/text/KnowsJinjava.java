package io.sparkllama4.architecture.planted.text;

import com.hubspot.jinjava.Jinjava;

/// The template library outside of the package that tames it.
public record KnowsJinjava(Jinjava library) {}

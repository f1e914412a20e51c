package io.sparkllama4.weights;

import io.sparkllama4.error.ErrorCode;
import java.io.IOException;

/// A way to break a checkpoint, and the report that it must lead to.
///
/// An empty text stands for a part that the report must not have.
///
/// @param name what is broken
/// @param oracle the checkpoint that is broken
/// @param breakage how
/// @param code the report's code
/// @param file the file that it names
/// @param tensor the tensor that it names
/// @param found part of what it says was found
/// @param expected part of what it says is allowed
record Hostile(
    String name,
    String oracle,
    Breakage breakage,
    ErrorCode code,
    String file,
    String tensor,
    String found,
    String expected) {

  /// Stands for a part that is there, in words that are not ours to choose.
  static final String ANYTHING = "*";

  /// Breaks a copy of a checkpoint.
  interface Breakage {
    void apply(ModelCopy model) throws IOException;
  }

  /// A breakage of `oracle` that has no expectation yet.
  static Hostile of(String oracle, String name, Breakage breakage) {
    return new Hostile(name, oracle, breakage, ErrorCode.ENGINE_FAILED, "", "", "", "");
  }

  /// The same, reported as `code` of `file`.
  Hostile is(ErrorCode code, String file) {
    return new Hostile(name, oracle, breakage, code, file, tensor, found, expected);
  }

  /// The same, reported with the name of a tensor.
  Hostile tensor(String tensor) {
    return new Hostile(name, oracle, breakage, code, file, tensor, found, expected);
  }

  /// The same, reported with what was found and what is allowed.
  Hostile found(String found, String expected) {
    return new Hostile(name, oracle, breakage, code, file, tensor, found, expected);
  }

  @Override
  public String toString() {
    return oracle + ": " + name;
  }
}

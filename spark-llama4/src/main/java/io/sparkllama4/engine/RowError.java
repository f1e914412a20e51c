package io.sparkllama4.engine;

import io.sparkllama4.error.ErrorCode;
import java.io.Serializable;

/// Why a row has no answer.
///
/// @param code the published code
/// @param message what was tried, what was found and what helps; never text of the prompt
public record RowError(ErrorCode code, String message) implements Serializable {}

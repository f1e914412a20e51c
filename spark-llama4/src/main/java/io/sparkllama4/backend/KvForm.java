package io.sparkllama4.backend;

import io.sparkllama4.tensor.DType;

/// How a backend keeps keys and values.
///
/// @param dtype of their elements
/// @param grows whether memory is taken as blocks come into use; otherwise all at once, so that it
///     lies in one piece
/// @param shareOfFree the part of free memory that they may take where the user names no size
public record KvForm(DType dtype, boolean grows, double shareOfFree) {}

/// What can go wrong, in the words and codes that every caller sees: the command line's error
/// document, a row's error, Spark's error conditions.
///
/// Read [ErrorCode] first, then [ErrorReport] and [Llama4Exception]. This package knows nothing of
/// the rest, and every package may use it; see docs/decisions/001-error-package.md.
@NullMarked
package io.sparkllama4.error;

import org.jspecify.annotations.NullMarked;

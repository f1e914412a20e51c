/// The SQL functions: their names, their documentation, the extension that brings them.
///
/// Read [Llama4Extensions] (under `src/main/java17`), which hands over to [QueryExtensions], then
/// one file for each family of functions: [GenerateFunctions], [ScoreFunctions], [TokenFunctions].
/// [Llama4Functions] makes the same calls of columns. This package may know `sql` and what `sql`
/// may know.
@NullMarked
package io.sparkllama4.udfs;

import org.jspecify.annotations.NullMarked;

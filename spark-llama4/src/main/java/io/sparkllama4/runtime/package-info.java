/// The composition root: it alone wires checkpoint, tokenizer, template, backend, decoder and
/// engine.
///
/// Read in this order: [RuntimeOptions], [ModelHandle] (one model, ready), [GenerationOptions]
/// (options by name, as every surface spells them), [PromptEncoder] (text or messages to ids),
/// [Engines] (the registry of a process), [StatementAnswers] (what equal rows share). The plugin
/// and the command line are two ways into it. It may know everything below it and no Spark.
@NullMarked
package io.sparkllama4.runtime;

import org.jspecify.annotations.NullMarked;

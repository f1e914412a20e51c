/// The Jinja template language, as far as chat templates use it, with Python's values and their
/// printed forms: a template renders to the characters that jinja2 gives in the sandbox of Hugging
/// Face transformers.
///
/// Read in this order: [Template] (parse once, render often) and [Limits]; then from text to tree:
/// `Lexer` with `TagLexer`, `StatementParser` with `ExpressionParser`, [Statement] and
/// [Expression]; then from tree to text: `Renderer` (statements), `Evaluator` (expressions),
/// `Scope`, `Macro` and `Loop`; then Python: `Values`, `Comparing`, `Arithmetic`, `Operators`,
/// `Lookup` (attributes and items), the methods of `TextMethods` and `ContainerMethods`, the
/// filters and tests, and `Representation`, `Json` and `Floats` (how values print). `Shadows` tells
/// text that came from outside from the template's own.
///
/// A template is foreign code. It reaches what these files name and nothing else: there is no
/// reflection, no file and no network here, and [Limits] bound its time, its nesting and its text.
/// This package knows nothing of the project.
///
/// What is known to differ from jinja2: `include`, `extends`, `import` and `block` are no tags
/// here; filters that make HTML or random choices, and `cycler`, `joiner` and `lipsum`, fail when
/// they are used; text marked `safe` is text like any other; the groups of `groupby` are plain
/// tuples; slices of constants that have no items fail instead of being undefined; and a variable
/// that is set after a loop or macro has read it, in the scope around that, is seen there with its
/// outer value.
@NullMarked
package io.sparkllama4.text.jinja;

import org.jspecify.annotations.NullMarked;

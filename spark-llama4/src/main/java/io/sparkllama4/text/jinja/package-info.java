/// The template language of chat templates: Jinjava, made to give what jinja2 gives.
///
/// Jinjava reads a template into its tree, keeps the tags and runs them, and splits expressions
/// into tokens. Where its language, which computes with Java's values, differs from Python's, the
/// difference is made up here. Read in this order: [Template] and `TemplateSource` (white space);
/// `Statements` (the tags) and `Session` (one rendering: variables and limits); `Tokens` and
/// `Grammar` (expressions); `Values`, `Comparing`, `Arithmetic`, `Lookup` and `Methods` (Python's
/// values); `Filters`, `Sequences`, `Tests` and `Globals` (what templates find by name);
/// `Representation` and `Json` (what they print). [Shadows] keeps text from outside apart.
///
/// A template from a checkpoint is foreign code: it sees nothing of Java, changes nothing but its
/// own namespaces, and has limits on time, memory and depth. What is not supported is refused, by
/// name, when the template is opened, or else when it is reached.
///
/// This package knows Jinjava, which nobody else does, and nothing of tokens, chats or models.
@NullMarked
package io.sparkllama4.text.jinja;

import org.jspecify.annotations.NullMarked;

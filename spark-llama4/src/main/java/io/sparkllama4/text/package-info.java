/// Text and tokens: the tokenizer of a checkpoint, its chat template, and the way from an answer's
/// tokens back to text.
///
/// Read in this order: [Tokenizer] and [TokenDecoder] (text to ids and back), then [ChatMessages],
/// [ChatTemplate] and [ChatEncoder] (a conversation to ids); then the inside: `TokenizerFile` and
/// `TokenizerConfig` (what a checkpoint's files say, checked), `AddedTokens` (special strings in
/// text), `ByteAlphabet` and `TokenTable` (the bytes of a token), `Utf8` (bytes to characters). The
/// template language itself is [io.sparkllama4.text.jinja], and the tokenizer library, which is
/// native code, is behind [io.sparkllama4.text.ffi].
///
/// Special strings that come from outside stay text: only what the template itself writes becomes a
/// special token. This package knows no engine, no weights and no Spark.
@NullMarked
package io.sparkllama4.text;

import org.jspecify.annotations.NullMarked;

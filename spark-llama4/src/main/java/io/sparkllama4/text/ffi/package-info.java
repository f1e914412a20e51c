/// The tokenizer library, called through JNI: [NativeTokenizer] is all of it, and
/// `TokenizerLibrary` loads it. Nothing outside of this package touches native code of the
/// tokenizer.
///
/// This package knows errors and nothing else of the project; only [io.sparkllama4.text] knows it.
@NullMarked
package io.sparkllama4.text.ffi;

import org.jspecify.annotations.NullMarked;

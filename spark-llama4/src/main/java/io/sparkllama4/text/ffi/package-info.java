/// The tokenizer library, called through JNI: [NativeTokenizer] is all of it. Nothing outside of
/// this package touches native code of the tokenizer.
@NullMarked
package io.sparkllama4.text.ffi;

import org.jspecify.annotations.NullMarked;

/// Tests of the tokenizer, the chat templates and the way between them.
@NullMarked
package io.sparkllama4.text;

import org.jspecify.annotations.NullMarked;

/// What the reference implementation gives for conversations and texts, and that we give the same.
@NullMarked
package io.sparkllama4.text;

import org.jspecify.annotations.NullMarked;

/// Tests of the template language.
@NullMarked
package io.sparkllama4.text.jinja;

import org.jspecify.annotations.NullMarked;

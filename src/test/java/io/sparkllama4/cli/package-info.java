/// The command line as programs see it: documents, exit statuses, what goes to which stream.
@NullMarked
package io.sparkllama4.cli;

import org.jspecify.annotations.NullMarked;

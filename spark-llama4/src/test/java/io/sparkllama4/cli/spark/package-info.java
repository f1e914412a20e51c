/// Tests of the commands that need Spark, as far as they go without it.
@NullMarked
package io.sparkllama4.cli.spark;

import org.jspecify.annotations.NullMarked;

/// Tests of the plugin that need no Spark.
@NullMarked
package io.sparkllama4.plugin;

import org.jspecify.annotations.NullMarked;

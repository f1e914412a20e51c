/// What is made of answers, without Spark.
@NullMarked
package io.sparkllama4.rows;

import org.jspecify.annotations.NullMarked;

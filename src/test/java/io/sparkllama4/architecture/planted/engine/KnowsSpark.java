package io.sparkllama4.architecture.planted.engine;

import org.apache.spark.sql.types.DataType;

/// Spark below the runtime.
public record KnowsSpark(DataType type) {}

package io.sparkllama4.sql;

import java.util.Map;
import scala.jdk.javaapi.CollectionConverters;

/// Java's maps as Scala's immutable ones.
final class ScalaMaps {
  private ScalaMaps() {}

  /// An immutable Scala map with the same entries.
  static <K, V> scala.collection.immutable.Map<K, V> of(Map<K, V> map) {
    return scala.collection.immutable.Map$.MODULE$.from(CollectionConverters.asScala(map));
  }
}

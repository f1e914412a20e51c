/// The clients of Spark, as users run them: processes of a real Spark distribution with the jar
/// that is published, and what that jar holds. [Queries] are answered alike by all of them.
///
/// These tests know the project as users do, by its jar, its class names and its keys.
@NullMarked
package io.sparkllama4.clients;

import org.jspecify.annotations.NullMarked;

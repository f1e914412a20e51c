package io.sparkllama4.spark;

import io.sparkllama4.spark.PlanShapesTest.Shape;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/// The tables of the plan shapes, the shapes themselves (`plans/shapes.txt`), and the two forms of
/// each: with calls, and with the answers that were computed beforehand.
final class ShapeTables {
  private static final Pattern CALL = Pattern.compile("[{]([^{}]*)[}]");

  private ShapeTables() {}

  /// `t` of 20 rows, `b` of 5, and `answers` of every prompt that a shape asks.
  static void create(Application spark) {
    spark.sql(
        "CREATE TEMP VIEW t0 AS SELECT id, concat('prompt ', id) AS p, id % 3 AS g,"
            + " IF(id % 4 = 0, NULL, concat('s', id)) AS s FROM range(0, 20, 1, 4)");
    materialise(spark, "t", "SELECT * FROM t0");
    materialise(
        spark, "b", "SELECT id AS k, concat('prompt ', id) AS q, id % 2 AS h FROM range(0, 5)");
    Answers.register(spark.session());
  }

  private static void materialise(Application spark, String name, String query) {
    spark.sql("CREATE TABLE " + name + " USING parquet AS " + query);
  }

  /// The shape with model calls.
  static String withCalls(String sql) {
    return expand(sql, "llama4_generate($1, max_tokens => 2)");
  }

  /// The shape with answers that were computed beforehand.
  static String withAnswers(String sql) {
    return expand(sql, Answers.FUNCTION + "($1, 2)");
  }

  private static String expand(String sql, String call) {
    String expanded = sql;
    while (CALL.matcher(expanded).find()) {
      expanded = CALL.matcher(expanded).replaceAll(call);
    }
    return expanded;
  }

  /// All shapes of the table.
  static List<Shape> shapes() {
    try (var stream = ShapeTables.class.getResourceAsStream("/plans/shapes.txt")) {
      List<Shape> shapes = new ArrayList<>();
      for (String line :
          new String(stream.readAllBytes(), StandardCharsets.UTF_8).lines().toList()) {
        if (!line.isBlank() && !line.startsWith("#")) {
          String[] parts = line.split("[|]", 3);
          shapes.add(
              new Shape(
                  parts[2].strip(),
                  Integer.parseInt(parts[0].strip()),
                  Long.parseLong(parts[1].strip())));
        }
      }
      return List.copyOf(shapes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

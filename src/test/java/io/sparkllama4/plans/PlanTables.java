package io.sparkllama4.plans;

import java.util.List;

/// The tables of the random queries: some twenty rows, with equal ones, NULLs and keys without a
/// partner.
public final class PlanTables {
  /// No table has more rows.
  public static final int MOST_ROWS = 20;

  /// Read from Parquet, so that its rows come in columnar batches.
  static final String TICKETS = "tickets";

  /// Rows that the optimizer knows.
  static final String TEAMS = "teams";

  /// A cached table.
  static final String WORDS = "words";

  private PlanTables() {}

  /// A table.
  ///
  /// @param name its name
  /// @param columns its columns
  record Table(String name, List<Column> columns) {}

  /// A column that a query may name.
  ///
  /// @param name what stands in the query
  /// @param type what it holds
  /// @param plain whether it is a name, which a subquery may refer to
  record Column(String name, Type type, boolean plain) {}

  /// The types of expressions.
  enum Type {
    TEXT,
    INT,
    BOOL
  }

  /// All tables.
  static List<Table> all() {
    return List.of(
        new Table(
            TICKETS,
            List.of(
                column("id", Type.INT),
                column("team", Type.INT),
                column("prompt", Type.TEXT),
                column("word", Type.TEXT),
                column("open", Type.BOOL))),
        new Table(
            TEAMS,
            List.of(column("id", Type.INT), column("name", Type.TEXT), column("size", Type.INT))),
        new Table(WORDS, List.of(column("word", Type.TEXT), column("weight", Type.INT))));
  }

  private static Column column(String name, Type type) {
    return new Column(name, type, true);
  }

  /// The statements that make them.
  public static List<String> statements() {
    return List.of(
        "CREATE TABLE tickets USING parquet AS SELECT CAST(id AS INT) AS id,"
            + " nullif(CAST(id % 4 AS INT), 3) AS team,"
            + " IF(id % 7 = 6, NULL, concat('prompt ', id % 12)) AS prompt,"
            + " IF(id % 5 = 4, NULL, substr('abcdefgh', CAST(1 + id % 6 AS INT), 1)) AS word,"
            + " IF(id % 9 = 8, NULL, id % 3 = 0) AS open FROM range(0, 20, 1, 2)",
        "CREATE TEMP VIEW teams AS SELECT * FROM VALUES (0, 'north', 3), (1, 'south', 5),"
            + " (2, 'prompt 1', 3), (4, NULL, 2), (5, 'a', NULL) AS v(id, name, size)",
        "CACHE TABLE words AS SELECT IF(id % 6 = 5, NULL, substr('abcdefgh', CAST(1 + id % 8 AS"
            + " INT), 1)) AS word, CAST(id % 5 AS INT) AS weight FROM range(0, 12, 1, 2)");
  }
}

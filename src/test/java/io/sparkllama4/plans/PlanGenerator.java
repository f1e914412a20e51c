package io.sparkllama4.plans;

import java.util.SplittableRandom;

/// Draws queries with model calls in random places; equal seeds give equal queries.
public final class PlanGenerator {
  /// Most calls of a query: enough to nest and to meet, few enough to be quick.
  static final int MOST_CALLS = 4;

  private static final int MOST_CHARACTERS = 500;
  private static final int DEPTH = 3;

  private PlanGenerator() {}

  /// What marks a place of which the documentation says that a call in it is refused.
  public static String refusedMark() {
    return Expressions.REFUSED.strip();
  }

  /// A query with at least one call.
  public static Piece.Node draw(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    while (true) {
      Queries queries = new Queries(random.split());
      Piece.Node query = queries.query(queries.types(), DEPTH);
      String sql = query.sql();
      if (sql.contains("llama4_generate(") && sql.length() <= MOST_CHARACTERS) {
        return query;
      }
    }
  }
}

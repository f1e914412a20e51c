package io.sparkllama4.plans;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/// Makes a failing query small: parts give way to smaller ones of their sort while it still fails.
public final class Shrinker {
  private static final Map<String, List<Piece.Node>> SMALLEST =
      Map.of(
          "TEXT",
          List.of(Piece.Node.of("TEXT", "'a'")),
          "INT",
          List.of(Piece.Node.of("INT", "1")),
          "BOOL",
          List.of(Piece.Node.of("BOOL", "true")),
          Piece.Node.CLAUSE,
          List.of(Piece.Node.of(Piece.Node.CLAUSE)),
          "FROM",
          List.of(Piece.Node.of("FROM", PlanTables.TICKETS + " t0")));

  private final Predicate<String> fails;
  private int attempts;

  private Shrinker(Predicate<String> fails, int attempts) {
    this.fails = fails;
    this.attempts = attempts;
  }

  /// A smaller query that fails as `query` does.
  ///
  /// @param fails whether a query fails in the same way; a query that cannot be analysed does not
  /// @param attempts how many queries are tried at most
  public static String shrink(Piece.Node query, Predicate<String> fails, int attempts) {
    return new Shrinker(fails, attempts).shrink(query).sql();
  }

  @SuppressWarnings("ReferenceEquality") // The same query comes back where nothing could go.
  private Piece.Node shrink(Piece.Node query) {
    Piece.Node smaller = query;
    boolean changed = true;
    while (changed && attempts > 0) {
      changed = false;
      // Outer parts first: what they drop need not be looked at.
      for (Piece.Node part : all(smaller)) {
        Piece.Node tried = replaced(smaller, part);
        if (tried != smaller) {
          smaller = tried;
          changed = true;
          break;
        }
      }
    }
    return smaller;
  }

  private static List<Piece.Node> all(Piece.Node query) {
    List<Piece.Node> parts = new ArrayList<>(List.of(query));
    parts.addAll(query.below());
    return parts;
  }

  /// `query` with something smaller in the place of `part`; `query` itself where nothing fails.
  private Piece.Node replaced(Piece.Node query, Piece.Node part) {
    List<Piece.Node> candidates = new ArrayList<>(SMALLEST.getOrDefault(part.sort(), List.of()));
    part.below().stream()
        .filter(below -> below.sort().equals(part.sort()))
        .forEach(candidates::add);
    String old = part.sql();
    for (Piece.Node candidate : candidates) {
      if (candidate.sql().length() < old.length() && attempts > 0) {
        Piece.Node tried = query.with(part, candidate);
        attempts--;
        if (fails.test(tried.sql())) {
          return tried;
        }
      }
    }
    return query;
  }
}

package io.sparkllama4.plans;

import io.sparkllama4.plans.PlanTables.Column;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;

/// Draws expressions: none of them can fail, and each has one value only, so that two runs of a
/// query are comparable.
final class Expressions {
  /// Stands before a place that is documented as refused.
  static final String REFUSED = "/* documented as refused */ ";

  private static final List<String> WORDS = List.of("a", "b", "prompt 1", "", "Why?", "ü");

  private final SplittableRandom random;
  private final Queries queries;
  private int calls;

  Expressions(SplittableRandom random, Queries queries) {
    this.random = random;
    this.queries = queries;
  }

  /// How many calls have been drawn.
  int calls() {
    return calls;
  }

  /// An expression over `scope`.
  Piece.Node draw(PlanTables.Type type, List<Column> scope, int depth) {
    return switch (type) {
      case TEXT -> text(scope, depth);
      case INT -> integer(scope, depth);
      case BOOL -> bool(scope, depth);
    };
  }

  private static Piece.Node node(PlanTables.Type type, Object... parts) {
    return Piece.Node.of(type.name(), parts);
  }

  private Piece.Node leaf(PlanTables.Type type, List<Column> scope) {
    List<Column> fitting = scope.stream().filter(column -> column.type() == type).toList();
    if (fitting.isEmpty() || random.nextInt(6) == 0) {
      return switch (type) {
        case TEXT -> node(type, "'" + WORDS.get(random.nextInt(WORDS.size())) + "'");
        case INT -> node(type, random.nextInt(6));
        case BOOL -> node(type, random.nextInt(4) > 0 ? "true" : "CAST(NULL AS BOOLEAN)");
      };
    }
    return node(type, fitting.get(random.nextInt(fitting.size())).name());
  }

  Piece.Node text(List<Column> scope, int depth) {
    if (depth <= 0) {
      return random.nextInt(5) == 0 ? call(scope, 0) : leaf(PlanTables.Type.TEXT, scope);
    }
    int below = depth - 1;
    return switch (random.nextInt(20)) {
      case 0, 1, 2, 3, 4 -> call(scope, below);
      case 5, 6 -> leaf(PlanTables.Type.TEXT, scope);
      case 7 ->
          node(PlanTables.Type.TEXT, "concat(", text(scope, below), ", ", text(scope, below), ")");
      case 8 -> node(PlanTables.Type.TEXT, "substr(", text(scope, below), ", 1, 3)");
      case 9 -> node(PlanTables.Type.TEXT, "upper(", text(scope, below), ")");
      case 10, 11 ->
          node(
              PlanTables.Type.TEXT,
              "CASE WHEN ",
              bool(scope, below),
              " THEN ",
              text(scope, below),
              random.nextBoolean()
                  ? Piece.Node.of(Piece.Node.CLAUSE, " ELSE ", text(scope, below))
                  : "",
              " END");
      case 12 ->
          node(
              PlanTables.Type.TEXT,
              "IF(",
              bool(scope, below),
              ", ",
              text(scope, below),
              ", ",
              text(scope, below),
              ")");
      case 13, 14 ->
          node(
              PlanTables.Type.TEXT, "coalesce(", text(scope, below), ", ", text(scope, below), ")");
      case 15 ->
          node(PlanTables.Type.TEXT, "nullif(", text(scope, below), ", ", text(scope, below), ")");
      case 16 -> node(PlanTables.Type.TEXT, "CAST(", integer(scope, below), " AS STRING)");
      case 17 -> nested(scope, below);
      default -> scalarSubquery(PlanTables.Type.TEXT, scope, below);
    };
  }

  /// Values that pass through arrays, structs and maps.
  private Piece.Node nested(List<Column> scope, int depth) {
    return switch (random.nextInt(6)) {
      case 0 -> node(PlanTables.Type.TEXT, "named_struct('f', ", text(scope, depth), ", 'g', 1).f");
      case 1 ->
          node(
              PlanTables.Type.TEXT, "array(", text(scope, depth), ", ", text(scope, depth), ")[1]");
      case 2 ->
          node(PlanTables.Type.TEXT, "try_element_at(map('k', ", text(scope, depth), "), 'k')");
      case 3 -> node(PlanTables.Type.TEXT, "split(", text(scope, depth), ", ' ')[0]");
      case 4 ->
          node(
              PlanTables.Type.TEXT,
              "concat_ws('-', transform(array(",
              text(scope, depth),
              ", 'b'), x -> upper(x)))");
      default -> {
        calls++;
        yield node(
            PlanTables.Type.TEXT,
            "concat_ws('-', transform(array(",
            text(scope, depth),
            ", 'b'), " + REFUSED + "x -> llama4_generate(x, max_tokens => 2)))");
      }
    };
  }

  /// A call. The rewriting of a query into its reference relies on this spelling.
  private Piece.Node call(List<Column> scope, int depth) {
    if (calls >= PlanGenerator.MOST_CALLS) {
      return leaf(PlanTables.Type.TEXT, scope);
    }
    calls++;
    Object tokens =
        random.nextInt(8) == 0
            ? Piece.Node.of(
                Piece.Node.FIXED, "1 + coalesce(pmod(", integer(scope, depth - 1), ", 2), 0)")
            : random.nextInt(4) == 0 ? "1" : "2";
    String function = random.nextInt(6) == 0 ? "try_llama4_generate(" : "llama4_generate(";
    return node(
        PlanTables.Type.TEXT, function, text(scope, depth), ", max_tokens => ", tokens, ")");
  }

  Piece.Node integer(List<Column> scope, int depth) {
    if (depth <= 0) {
      return leaf(PlanTables.Type.INT, scope);
    }
    int below = depth - 1;
    return switch (random.nextInt(10)) {
      case 0, 1, 2 -> leaf(PlanTables.Type.INT, scope);
      case 3, 4 -> node(PlanTables.Type.INT, "length(", text(scope, below), ")");
      case 5 ->
          node(PlanTables.Type.INT, "(", integer(scope, below), " + ", integer(scope, below), ")");
      case 6 -> node(PlanTables.Type.INT, "pmod(", integer(scope, below), ", 3)");
      case 7 ->
          node(
              PlanTables.Type.INT,
              "CASE WHEN ",
              bool(scope, below),
              " THEN ",
              integer(scope, below),
              " ELSE ",
              integer(scope, below),
              " END");
      case 8 -> node(PlanTables.Type.INT, "coalesce(", integer(scope, below), ", 0)");
      default -> scalarSubquery(PlanTables.Type.INT, scope, below);
    };
  }

  Piece.Node bool(List<Column> scope, int depth) {
    if (depth <= 0) {
      return node(
          PlanTables.Type.BOOL,
          leaf(PlanTables.Type.INT, scope),
          compare(),
          leaf(PlanTables.Type.INT, scope));
    }
    int below = depth - 1;
    return switch (random.nextInt(14)) {
      case 0 -> leaf(PlanTables.Type.BOOL, scope);
      case 1, 2 ->
          node(PlanTables.Type.BOOL, integer(scope, below), compare(), integer(scope, below));
      case 3 -> node(PlanTables.Type.BOOL, text(scope, below), compare(), text(scope, below));
      case 4 -> node(PlanTables.Type.BOOL, text(scope, below), " LIKE '%", like(), "%'");
      case 5 ->
          node(PlanTables.Type.BOOL, text(scope, below), " IN ('a', 'b', ", text(scope, 0), ")");
      case 6 -> node(PlanTables.Type.BOOL, text(scope, below), " IS NOT NULL");
      case 7, 8 ->
          node(PlanTables.Type.BOOL, "(", bool(scope, below), " AND ", bool(scope, below), ")");
      case 9, 10 ->
          node(PlanTables.Type.BOOL, "(", bool(scope, below), " OR ", bool(scope, below), ")");
      case 11 ->
          node(
              PlanTables.Type.BOOL,
              random.nextBoolean() ? "NOT (" : "isnull(",
              bool(scope, below),
              ")");
      case 12 -> node(PlanTables.Type.BOOL, integer(scope, below), " <=> ", integer(scope, below));
      default -> node(PlanTables.Type.BOOL, "(", text(scope, below), ") IS NULL");
    };
  }

  private String like() {
    return "aeprt".substring(random.nextInt(5)).substring(0, 1).toLowerCase(Locale.ROOT);
  }

  private String compare() {
    return List.of(" = ", " < ", " >= ", " <> ").get(random.nextInt(4));
  }

  /// A query of one row.
  private Piece.Node scalarSubquery(PlanTables.Type type, List<Column> scope, int depth) {
    if (depth <= 0) {
      return leaf(type, scope);
    }
    String aggregate = type == PlanTables.Type.TEXT ? "max(" : "CAST(count(";
    String end = type == PlanTables.Type.TEXT ? ")" : ") AS INT)";
    Queries.Relation from = queries.from(depth - 1);
    return node(
        type,
        "(SELECT ",
        aggregate,
        draw(type, from.columns(), depth - 1),
        end,
        " FROM ",
        from.node(),
        correlation(scope, from.columns()),
        ")");
  }

  /// A condition with subqueries; for places where Spark allows them.
  Piece.Node predicate(List<Column> scope, int depth) {
    int below = depth - 1;
    if (depth <= 1) {
      return bool(scope, depth);
    }
    return switch (random.nextInt(8)) {
      case 0, 1 -> {
        Queries.Relation from = queries.from(below - 1);
        yield node(
            PlanTables.Type.BOOL,
            random.nextBoolean() ? "" : "NOT ",
            "EXISTS (SELECT 1 FROM ",
            from.node(),
            correlation(scope, from.columns()),
            ")");
      }
      case 2 ->
          node(
              PlanTables.Type.BOOL,
              text(scope, below),
              random.nextInt(4) == 0 ? " NOT IN (" : " IN (",
              queries.query(List.of(PlanTables.Type.TEXT), below),
              ")");
      case 3 ->
          node(
              PlanTables.Type.BOOL, "(", predicate(scope, below), " AND ", bool(scope, below), ")");
      case 4 ->
          node(PlanTables.Type.BOOL, "(", bool(scope, below), " OR ", predicate(scope, below), ")");
      default -> bool(scope, depth);
    };
  }

  /// A WHERE over the rows of a subquery, with a reference to the outer ones or without.
  private Piece.Node correlation(List<Column> outer, List<Column> inner) {
    List<Column> named = outer.stream().filter(Column::plain).toList();
    if (named.isEmpty() || random.nextInt(4) == 0) {
      return Piece.Node.of(Piece.Node.CLAUSE, " WHERE ", bool(inner, 1));
    }
    Column column = named.get(random.nextInt(named.size()));
    return Piece.Node.of(
        Piece.Node.CLAUSE,
        " WHERE ",
        "(",
        draw(column.type(), inner, 1),
        ") = ",
        column.name(),
        random.nextBoolean() ? Piece.Node.of(Piece.Node.CLAUSE, " AND ", bool(inner, 1)) : "");
  }
}

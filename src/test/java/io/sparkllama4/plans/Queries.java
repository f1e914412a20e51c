package io.sparkllama4.plans;

import io.sparkllama4.plans.PlanTables.Column;
import io.sparkllama4.plans.PlanTables.Table;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// Draws queries and relations. Limits stand over total orders only, and aggregates and windows are
/// those whose value does not depend on the order of equal rows.
final class Queries {
  private final SplittableRandom random;
  private final Expressions expressions;
  private int names;

  Queries(SplittableRandom random) {
    this.random = random;
    this.expressions = new Expressions(random, this);
  }

  Expressions expressions() {
    return expressions;
  }

  /// What stands behind FROM.
  ///
  /// @param node its text
  /// @param columns what it gives
  record Relation(Piece.Node node, List<Column> columns) {}

  private String name(String prefix) {
    names++;
    return prefix + names;
  }

  private static String sort(List<PlanTables.Type> types) {
    return "QUERY " + types.stream().map(PlanTables.Type::name).collect(Collectors.joining(" "));
  }

  private static String ordinals(int columns, String prefix, int from) {
    return IntStream.range(from, from + columns)
        .mapToObj(i -> prefix + i)
        .collect(Collectors.joining(", "));
  }

  /// A query with columns c0, c1, ... of these types.
  Piece.Node query(List<PlanTables.Type> types, int depth) {
    if (depth <= 0) {
      return projection(types, 0);
    }
    return switch (random.nextInt(12)) {
      case 0, 1, 2 -> projection(types, depth);
      case 3, 4, 5 -> aggregate(types, depth);
      case 6 -> window(types, depth);
      case 7, 8 -> union(types, depth);
      case 9 -> twice(types, depth);
      default -> limited(types, depth);
    };
  }

  private Piece.Node clause(boolean present, Object... parts) {
    return present ? Piece.Node.of(Piece.Node.CLAUSE, parts) : Piece.Node.of(Piece.Node.CLAUSE);
  }

  /// The expressions behind SELECT, each but the first one to be left out.
  private Piece.Node items(List<PlanTables.Type> types, int first, List<Column> scope, int depth) {
    List<Object> parts = new ArrayList<>();
    for (int i = 0; i < types.size(); i++) {
      Piece.Node value = expressions.draw(types.get(i), scope, depth);
      String name = " AS c" + (first + i);
      parts.add(
          first + i == 0
              ? Piece.Node.of(Piece.Node.FIXED, value, name)
              : Piece.Node.of(Piece.Node.CLAUSE, ", ", value, name));
    }
    return Piece.Node.of(Piece.Node.FIXED, parts.toArray());
  }

  private Piece.Node projection(List<PlanTables.Type> types, int depth) {
    Relation from = from(depth - 1);
    return Piece.Node.of(
        sort(types),
        "SELECT ",
        clause(random.nextInt(5) == 0, "DISTINCT "),
        items(types, 0, from.columns(), depth),
        " FROM ",
        from.node(),
        clause(random.nextInt(3) > 0, " WHERE ", expressions.predicate(from.columns(), depth)));
  }

  private Piece.Node aggregate(List<PlanTables.Type> types, int depth) {
    Relation from = from(depth - 1);
    int keys = Math.min(random.nextInt(3), types.size());
    Piece.Node grouping = items(types.subList(0, keys), 0, from.columns(), depth - 1);
    List<Column> aggregates = aggregates(from.columns());
    return Piece.Node.of(
        sort(types),
        "SELECT ",
        grouping,
        items(types.subList(keys, types.size()), keys, aggregates, depth - 1),
        " FROM ",
        from.node(),
        clause(random.nextInt(3) == 0, " WHERE ", expressions.predicate(from.columns(), depth - 1)),
        keys == 0 ? "" : " GROUP BY " + ordinals(keys, "", 1),
        clause(
            keys > 0 && random.nextInt(3) == 0,
            " HAVING ",
            expressions.bool(aggregates, depth - 1)));
  }

  /// Aggregates over `scope`, each as a column.
  private List<Column> aggregates(List<Column> scope) {
    List<Column> found = new ArrayList<>();
    found.add(new Column("CAST(count(*) AS INT)", PlanTables.Type.INT, false));
    for (int i = 0; i < 3; i++) {
      String text = expressions.text(scope, 1).sql();
      String number = expressions.integer(scope, 1).sql();
      found.add(
          switch (random.nextInt(6)) {
            case 0 -> new Column("max(" + text + ")", PlanTables.Type.TEXT, false);
            case 1 ->
                new Column("CAST(count(DISTINCT " + text + ") AS INT)", PlanTables.Type.INT, false);
            case 2 ->
                new Column(
                    "substr(concat_ws(',', sort_array(collect_list(" + text + "))), 1, 40)",
                    PlanTables.Type.TEXT,
                    false);
            case 3 -> new Column("CAST(sum(" + number + ") AS INT)", PlanTables.Type.INT, false);
            case 4 ->
                new Column(
                    "min(" + text + ") FILTER (WHERE " + expressions.bool(scope, 1).sql() + ")",
                    PlanTables.Type.TEXT,
                    false);
            default -> new Column("bool_or(" + number + " > 2)", PlanTables.Type.BOOL, false);
          });
    }
    return found;
  }

  private Piece.Node window(List<PlanTables.Type> types, int depth) {
    Relation from = from(depth - 1);
    List<Column> scope = new ArrayList<>(from.columns());
    String all = from.columns().stream().map(Column::name).collect(Collectors.joining(", "));
    for (int i = 0; i < 2; i++) {
      String text = expressions.text(from.columns(), 1).sql();
      String key = expressions.integer(from.columns(), 1).sql();
      scope.add(
          switch (random.nextInt(4)) {
            case 0 ->
                new Column(
                    "max(" + text + ") OVER (PARTITION BY " + key + ")",
                    PlanTables.Type.TEXT,
                    false);
            case 1 ->
                new Column(
                    "CAST(rank() OVER (PARTITION BY " + key + " ORDER BY " + text + ") AS INT)",
                    PlanTables.Type.INT,
                    false);
            case 2 ->
                new Column(
                    "lag(" + text + ") OVER (ORDER BY " + all + ")", PlanTables.Type.TEXT, false);
            default ->
                new Column(
                    "CAST(sum(" + key + ") OVER (PARTITION BY " + text + ") AS INT)",
                    PlanTables.Type.INT,
                    false);
          });
    }
    return Piece.Node.of(
        sort(types),
        "SELECT ",
        items(types, 0, scope, depth - 1),
        " FROM ",
        from.node(),
        clause(random.nextInt(3) == 0, " WHERE ", expressions.bool(from.columns(), depth - 1)));
  }

  private Piece.Node union(List<PlanTables.Type> types, int depth) {
    String how =
        List.of("UNION ALL", "UNION ALL", "UNION", "EXCEPT", "INTERSECT").get(random.nextInt(5));
    return Piece.Node.of(
        sort(types),
        "SELECT * FROM ((",
        query(types, depth - 1),
        ") " + how + " (",
        query(types, depth - 1),
        ")) " + name("u"));
  }

  /// One common table expression, read twice.
  private Piece.Node twice(List<PlanTables.Type> types, int depth) {
    String table = name("w");
    String left = name("l");
    String right = name("r");
    List<Column> scope = new ArrayList<>(columns(left, types));
    scope.addAll(columns(right, types));
    return Piece.Node.of(
        sort(types),
        "WITH " + table + " AS (",
        query(types, depth - 1),
        ") SELECT ",
        items(types, 0, scope, depth - 1),
        " FROM " + table + " " + left + " JOIN " + table + " " + right + " ON " + left + ".c0 = ",
        right + ".c0",
        clause(random.nextBoolean(), " WHERE ", expressions.bool(scope, depth - 1)));
  }

  /// The first rows of a total order.
  private Piece.Node limited(List<PlanTables.Type> types, int depth) {
    return Piece.Node.of(
        sort(types),
        "SELECT * FROM (",
        query(types, depth - 1),
        ") " + name("o") + " ORDER BY " + ordinals(types.size(), "c", 0),
        clause(random.nextInt(4) > 0, " LIMIT " + (1 + random.nextInt(8))));
  }

  private static List<Column> columns(String alias, List<PlanTables.Type> types) {
    return IntStream.range(0, types.size())
        .mapToObj(i -> new Column(alias + ".c" + i, types.get(i), true))
        .toList();
  }

  /// A relation.
  Relation from(int depth) {
    if (depth <= 0 || random.nextInt(3) == 0) {
      return table();
    }
    return switch (random.nextInt(8)) {
      case 0, 1, 2, 3 -> join(depth);
      case 4 -> exploded(depth);
      default -> subquery(depth);
    };
  }

  private Relation table() {
    List<Table> tables = PlanTables.all();
    // The table with most columns stands for most of the queries.
    Table table = tables.get(Math.max(0, random.nextInt(tables.size() + 2) - 2));
    String alias = name("t");
    return new Relation(
        Piece.Node.of("FROM", table.name() + " " + alias),
        table.columns().stream()
            .map(column -> new Column(alias + "." + column.name(), column.type(), true))
            .toList());
  }

  private Relation subquery(int depth) {
    List<PlanTables.Type> types = types();
    String alias = name("s");
    return new Relation(
        Piece.Node.of("FROM", "(", query(types, depth - 1), ") " + alias), columns(alias, types));
  }

  private PlanTables.Type anyType() {
    List<PlanTables.Type> all = List.of(PlanTables.Type.values());
    return all.get(random.nextInt(all.size()));
  }

  /// The types of a query's columns.
  List<PlanTables.Type> types() {
    List<PlanTables.Type> types = new ArrayList<>(List.of(PlanTables.Type.TEXT));
    int more = random.nextInt(3);
    for (int i = 0; i < more; i++) {
      // As columns, unlike as conditions, truth values that are NULL and false differ.
      types.add(anyType());
    }
    return types;
  }

  private Relation exploded(int depth) {
    Relation from = from(depth - 1);
    String alias = name("v");
    List<Column> columns = new ArrayList<>(from.columns());
    columns.add(new Column(alias + ".word", PlanTables.Type.TEXT, true));
    return new Relation(
        Piece.Node.of(
            Piece.Node.FIXED,
            from.node(),
            " LATERAL VIEW explode(array(",
            expressions.text(from.columns(), depth - 1),
            ", ",
            expressions.text(from.columns(), depth - 1),
            ")) " + alias + " AS word"),
        columns);
  }

  private Relation join(int depth) {
    // LATERAL VIEW ends a FROM: it cannot stand on the left of a join.
    Relation left =
        switch (random.nextInt(5)) {
          case 0 -> join(depth - 1);
          case 1 -> subquery(depth);
          default -> table();
        };
    Relation right = random.nextBoolean() ? subquery(depth) : table();
    String how =
        List.of(
                "JOIN",
                "JOIN",
                "LEFT JOIN",
                "RIGHT JOIN",
                "FULL JOIN",
                "LEFT SEMI JOIN",
                "LEFT ANTI JOIN")
            .get(random.nextInt(7));
    PlanTables.Type key = random.nextBoolean() ? PlanTables.Type.TEXT : PlanTables.Type.INT;
    List<Column> both = new ArrayList<>(left.columns());
    both.addAll(right.columns());
    boolean onlyLeft = how.contains("SEMI") || how.contains("ANTI");
    return new Relation(
        Piece.Node.of(
            "FROM",
            left.node(),
            " " + how + " ",
            right.node(),
            " ON ",
            expressions.draw(key, left.columns(), depth - 1),
            " = ",
            expressions.draw(key, right.columns(), depth - 1),
            condition(left.columns(), right.columns(), both, depth)),
        onlyLeft ? left.columns() : both);
  }

  /// What else a join asks: of one side, of the other, or of both.
  private Piece.Node condition(
      List<Column> left, List<Column> right, List<Column> both, int depth) {
    return switch (random.nextInt(6)) {
      case 0 -> clause(true, " AND ", expressions.bool(left, depth - 1));
      case 1 -> clause(true, " AND ", expressions.bool(right, depth - 1));
      case 2 -> {
        int before = expressions.calls();
        Piece.Node condition = expressions.bool(both, depth - 1);
        String mark = expressions.calls() > before ? Expressions.REFUSED : "";
        yield clause(true, " AND " + mark, condition);
      }
      default -> clause(false);
    };
  }
}

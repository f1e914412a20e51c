package io.sparkllama4.plans;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/// A piece of a query: text, or a node whose text is that of its parts.
public sealed interface Piece {
  /// Appends the SQL.
  void write(StringBuilder sql);

  /// SQL that stays as it is.
  record Text(String text) implements Piece {
    @Override
    public void write(StringBuilder sql) {
      sql.append(text);
    }
  }

  /// A part that another node of its sort may stand for.
  ///
  /// @param sort what it is: `TEXT`, `INT`, `BOOL` for expressions, [#CLAUSE] for what may be left
  ///     out, `QUERY` and the types of its columns, `FROM` for a relation, [#FIXED] for nothing
  record Node(String sort, List<Piece> parts) implements Piece {
    /// What may be left out.
    public static final String CLAUSE = "CLAUSE";

    /// What nothing stands for.
    public static final String FIXED = "FIXED";

    /// A node of texts and nodes.
    static Node of(String sort, Object... parts) {
      List<Piece> pieces = new ArrayList<>();
      for (Object part : parts) {
        pieces.add(part instanceof Node node ? node : new Text(part.toString()));
      }
      return new Node(sort, List.copyOf(pieces));
    }

    /// The query.
    public String sql() {
      StringBuilder sql = new StringBuilder();
      write(sql);
      return sql.toString();
    }

    @Override
    public void write(StringBuilder sql) {
      parts.forEach(part -> part.write(sql));
    }

    /// The nodes below this one, outer ones first.
    List<Node> below() {
      List<Node> found = new ArrayList<>();
      List<Node> level = List.of(this);
      while (!level.isEmpty()) {
        List<Node> next = new ArrayList<>();
        for (Node node : level) {
          for (Piece part : node.parts) {
            if (part instanceof Node child) {
              next.add(child);
            }
          }
        }
        found.addAll(next);
        level = next;
      }
      return found;
    }

    /// This node with `other` in the place of `old`, which is found by identity.
    @SuppressWarnings("ReferenceEquality") // Equal parts of a query are not the same part.
    Node with(Node old, Node other) {
      if (this == old) {
        return other;
      }
      List<Piece> replaced = new ArrayList<>();
      boolean changed = false;
      for (Piece part : parts) {
        Piece now = part instanceof Node node ? node.with(old, other) : part;
        changed |= now != part;
        replaced.add(now);
      }
      return changed ? new Node(sort, Collections.unmodifiableList(replaced)) : this;
    }
  }
}

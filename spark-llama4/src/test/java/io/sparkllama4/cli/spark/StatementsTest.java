package io.sparkllama4.cli.spark;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Where SQL text ends a statement and where a semicolon is part of one.
class StatementsTest {
  @Test
  void splitsAtSemicolons() {
    assertThat(Statements.split("SELECT 1; SELECT\n2 ;SELECT 3"))
        .containsExactly("SELECT 1", "SELECT\n2", "SELECT 3");
  }

  @Test
  void skipsWhatIsEmpty() {
    assertThat(Statements.split("")).isEmpty();
    assertThat(Statements.split(" ;;\n; -- only words\n; /* and /* more */ */ ;")).isEmpty();
    assertThat(Statements.split(";SELECT 1;;")).containsExactly("SELECT 1");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "SELECT ';'",
        "SELECT \";\"",
        "SELECT 1 AS `a;b`",
        "SELECT 'it''s; fine'",
        "SELECT 'a\\';b'",
        "SELECT 'a\\\\', ';'",
        "SELECT r'a\\', ';'",
        "SELECT R\"a\\\", ';'",
        "SELECT 1 AS `a\\`, ';'",
        "SELECT 1 -- one; two",
        "SELECT 1 -- one\\\n; two",
        "SELECT 1 /* ; */ + 1",
        "SELECT 1 /* /* ; */ ; */ + 1",
        "SELECT /*+ COALESCE(1) */ ';'",
        "SELECT '--', ';' -- ;",
        "SELECT '/*', ';'",
        "SELECT 'unclosed; literal",
      })
  void keepsOneStatementWhole(String statement) {
    assertThat(Statements.split("SELECT 0;" + statement)).containsExactly("SELECT 0", statement);
  }

  @Test
  void letterBeforeTheQuoteIsNotAlwaysOfTheLiteral() {
    // The r ends a name here, so the backslash escapes.
    assertThat(Statements.split("SELECT bar'a\\';b'; SELECT 2"))
        .containsExactly("SELECT bar'a\\';b'", "SELECT 2");
  }

  @Test
  void commentsEndWithTheirLine() {
    assertThat(Statements.split("SELECT 1 -- one\n; SELECT 2 -- two\r; SELECT 3"))
        .containsExactly("SELECT 1 -- one", "SELECT 2 -- two", "SELECT 3");
  }
}

package io.sparkllama4.backend.cpu;

import io.sparkllama4.backend.Routing;
import io.sparkllama4.backend.Span;
import java.util.Arrays;

/// A routing in plain arrays: choices by token, and the same choices by expert.
final class CpuRouting implements Routing {
  /// The row of a choice whose expert another rank holds.
  private static final int ELSEWHERE = -1;

  private final int experts;
  private final int chosen;
  private final int[] expertOfChoice;
  private final float[] scoreOfChoice;
  private final int[] choiceOfRow;
  private final int[] rowOfChoice;
  private final int[] firstRow;
  private int tokens;
  private int rows;

  CpuRouting(int tokens, int experts, int chosen) {
    this.experts = experts;
    this.chosen = chosen;
    int choices = Math.multiplyExact(tokens, chosen);
    this.expertOfChoice = new int[choices];
    this.scoreOfChoice = new float[choices];
    this.choiceOfRow = new int[choices];
    this.rowOfChoice = new int[choices];
    this.firstRow = new int[experts + 1];
  }

  /// Sets choice `rank` of `token`.
  void choose(int token, int rank, int expert, float score) {
    expertOfChoice[token * chosen + rank] = expert;
    scoreOfChoice[token * chosen + rank] = score;
  }

  /// Orders the choices, by the first `count` tokens, of the experts `held` by expert, stably: a
  /// counting sort. From here on experts are counted from the first that is held.
  void order(int count, Span held) {
    tokens = count;
    Arrays.fill(firstRow, 0);
    for (int choice = 0; choice < count * chosen; choice++) {
      if (held.contains(expertOfChoice[choice])) {
        firstRow[expertOfChoice[choice] - held.first() + 1]++;
      }
    }
    for (int expert = 0; expert < experts; expert++) {
      firstRow[expert + 1] += firstRow[expert];
    }
    rows = firstRow[held.count()];
    int[] next = Arrays.copyOf(firstRow, experts);
    for (int choice = 0; choice < count * chosen; choice++) {
      if (held.contains(expertOfChoice[choice])) {
        int row = next[expertOfChoice[choice] - held.first()]++;
        choiceOfRow[row] = choice;
        rowOfChoice[choice] = row;
      } else {
        rowOfChoice[choice] = ELSEWHERE;
      }
    }
  }

  int chosen() {
    return chosen;
  }

  /// The token whose data stands in `row` of the grouped matrices.
  int tokenOfRow(int row) {
    return choiceOfRow[row] / chosen;
  }

  float scoreOfRow(int row) {
    return scoreOfChoice[choiceOfRow[row]];
  }

  /// The row of a token's choice; negative where another rank holds the expert.
  int rowOf(int token, int rank) {
    return rowOfChoice[token * chosen + rank];
  }

  /// The rows of all experts that are held.
  int rows() {
    return rows;
  }

  /// The first row of `expert` of those that are held; its rows end where the next expert's begin.
  int firstRow(int expert) {
    return firstRow[expert];
  }

  @Override
  public int[] experts() {
    return Arrays.copyOf(expertOfChoice, tokens * chosen);
  }

  @Override
  public float[] scores() {
    return Arrays.copyOf(scoreOfChoice, tokens * chosen);
  }
}

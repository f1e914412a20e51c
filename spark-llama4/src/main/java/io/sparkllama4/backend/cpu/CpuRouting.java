package io.sparkllama4.backend.cpu;

import io.sparkllama4.backend.Routing;
import java.util.Arrays;

/// A routing in plain arrays: choices by token, and the same choices by expert.
final class CpuRouting implements Routing {
  private final int experts;
  private final int chosen;
  private final int[] expertOfChoice;
  private final float[] scoreOfChoice;
  private final int[] choiceOfRow;
  private final int[] rowOfChoice;
  private final int[] firstRow;
  private int tokens;

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

  /// Orders the choices of the first `count` tokens by expert, stably: a counting sort.
  void order(int count) {
    tokens = count;
    Arrays.fill(firstRow, 0);
    for (int choice = 0; choice < count * chosen; choice++) {
      firstRow[expertOfChoice[choice] + 1]++;
    }
    for (int expert = 0; expert < experts; expert++) {
      firstRow[expert + 1] += firstRow[expert];
    }
    int[] next = Arrays.copyOf(firstRow, experts);
    for (int choice = 0; choice < count * chosen; choice++) {
      int row = next[expertOfChoice[choice]]++;
      choiceOfRow[row] = choice;
      rowOfChoice[choice] = row;
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

  int rowOf(int token, int rank) {
    return rowOfChoice[token * chosen + rank];
  }

  /// The first row of `expert`; its rows end where the next expert's begin.
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

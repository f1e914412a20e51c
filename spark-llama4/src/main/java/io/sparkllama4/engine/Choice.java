package io.sparkllama4.engine;

import io.sparkllama4.backend.SampleResult;
import io.sparkllama4.backend.SampleRow;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// How the continuations of one prompt are scored: as a tree, in which those that begin alike share
/// their first tokens.
///
/// The sequence walks through the tree from left to right, rolling back to where the next branch
/// leaves. A token's log-probability comes from the logits in front of it, so no leaf is computed,
/// and continuations of one token need the prompt alone.
///
/// Where the most probable continuation alone is wanted, the sequence goes where the sum so far is
/// highest, and is done when no other continuation can become as probable: log-probabilities are
/// never positive, so that a sum of the first tokens bounds the whole one. Confined to the engine's
/// thread once its row has been submitted.
final class Choice {
  private final int promptTokens;
  private final Node root = new Node(0);

  /// Where each continuation ends, and the nodes that lead there.
  private final List<List<Node>> continuations = new ArrayList<>();

  /// Nodes to compute, from below the root down: each list one way through the tree.
  private final List<List<Node>> legs = new ArrayList<>();

  private final PromptBatch.Scores scores;

  /// The way that the sequence goes now, from below the root down.
  private List<Node> path;

  private int leg;
  private int computedTokens;
  private int longest;

  /// A token behind all those above it.
  private static final class Node {
    final int token;
    final Map<Integer, Node> next = new TreeMap<>();
    float logprob = Float.NEGATIVE_INFINITY;
    boolean isKnown;

    Node(int token) {
      this.token = token;
    }

    boolean isInner() {
      return !next.isEmpty();
    }
  }

  Choice(int promptTokens, PromptBatch.Choose task) {
    this.promptTokens = promptTokens;
    this.scores = task.scores();
    for (int[] tokens : task.continuations()) {
      List<Node> nodes = new ArrayList<>(tokens.length);
      Node node = root;
      for (int token : tokens) {
        node = node.next.computeIfAbsent(token, Node::new);
        nodes.add(node);
      }
      this.continuations.add(nodes);
    }
    findLegs(root, new ArrayList<>());
    path = isExhaustive() ? legs.getFirst() : List.of();
    computedTokens = path.size();
  }

  /// Deeper than the stack only where a continuation is longer than any model's context.
  private void findLegs(Node node, List<Node> above) {
    boolean isEnd = true;
    for (Node next : node.next.values()) {
      if (next.isInner()) {
        isEnd = false;
        above.add(next);
        findLegs(next, above);
        above.removeLast();
      }
    }
    if (isEnd) {
      legs.add(List.copyOf(above));
      longest = Math.max(longest, above.size());
    }
  }

  private boolean isExhaustive() {
    return scores == PromptBatch.Scores.ALL;
  }

  /// Tokens of continuations that have been computed, or are next.
  int computedTokens() {
    return computedTokens;
  }

  /// The most tokens that stand behind the prompt at once.
  int longest() {
    return longest;
  }

  /// True where the sequence will be rolled back to its prompt or a little behind it.
  boolean hasMoreLegs() {
    return isExhaustive() ? leg + 1 < legs.size() : longest > 0;
  }

  /// The first way through the tree joins the prompt.
  void begin(IntList tokens) {
    path.forEach(node -> tokens.add(node.token));
  }

  /// True where the logits behind `position` are wanted.
  boolean wants(int position) {
    return position >= promptTokens - 1;
  }

  /// What is asked of the logits behind `position`.
  SampleRow row(int position) {
    int[] targets = node(position).next.keySet().stream().mapToInt(Integer::intValue).toArray();
    return SampleRow.score(targets, 0);
  }

  private Node node(int position) {
    int depth = position - promptTokens;
    return depth < 0 ? root : path.get(depth);
  }

  /// Takes the log-probabilities of the tokens behind `position`.
  void take(int position, SampleResult result) {
    int i = 0;
    for (Node next : node(position).next.values()) {
      next.logprob = result.logprobs()[i++];
      next.isKnown = true;
    }
  }

  /// Rolls `sequence` back and leads it the next way; false where it needs to go nowhere else.
  boolean advance(Sequence sequence) {
    Optional<List<Node>> next = isExhaustive() ? nextLeg() : mostProbable();
    if (next.isEmpty()) {
      return false;
    }
    List<Node> before = path;
    path = next.get();
    int common = 0;
    while (common < Math.min(before.size(), path.size())
        && before.get(common) == path.get(common)) {
      common++;
    }
    sequence.truncate(promptTokens + common);
    path.subList(common, path.size()).forEach(node -> sequence.tokens().add(node.token));
    computedTokens += path.size() - common;
    return true;
  }

  private Optional<List<Node>> nextLeg() {
    return hasMoreLegs() ? Optional.of(legs.get(++leg)) : Optional.empty();
  }

  /// The way to the continuation that may be the most probable of those that are not known; empty
  /// where one that is known is more probable than all of them.
  private Optional<List<Node>> mostProbable() {
    double best = Double.NEGATIVE_INFINITY;
    double highest = Double.NEGATIVE_INFINITY;
    List<Node> open = List.of();
    for (List<Node> nodes : continuations) {
      double bound = bound(nodes);
      if (nodes.getLast().isKnown) {
        best = Math.max(best, bound);
      } else if (open.isEmpty() || bound > highest) {
        highest = bound;
        open = nodes;
      }
    }
    return open.isEmpty() || highest < best
        ? Optional.empty()
        : Optional.of(open.subList(0, open.size() - 1));
  }

  /// The score of a continuation, or what it cannot exceed. Added up from the first token on, as
  /// whoever compares scores does: what rounding leaves is then no more than the bound.
  private double bound(List<Node> nodes) {
    double sum = 0;
    for (Node node : nodes) {
      sum += node.isKnown ? node.logprob : 0;
    }
    return scores == PromptBatch.Scores.BEST_PER_TOKEN ? sum / nodes.size() : sum;
  }

  /// The log-probability of each token of each continuation, one continuation behind the other.
  List<TokenLogprob> logprobs() {
    List<TokenLogprob> logprobs = new ArrayList<>();
    for (List<Node> nodes : continuations) {
      for (Node node : nodes) {
        logprobs.add(new TokenLogprob(node.token, node.logprob, List.of()));
      }
    }
    return List.copyOf(logprobs);
  }
}

package io.sparkllama4.engine;

import io.sparkllama4.backend.SampleResult;
import io.sparkllama4.backend.SampleRow;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// How the continuations of one prompt are scored: as a tree, in which those that begin alike share
/// their first tokens.
///
/// The sequence walks through the tree from left to right, rolling back to where the next branch
/// leaves. A token's log-probability comes from the logits in front of it, so no leaf is computed,
/// and continuations of one token need the prompt alone. Confined to the engine's thread once its
/// row has been submitted.
final class Choice {
  private final int promptTokens;
  private final Node root = new Node(0);

  /// Where each continuation ends, and the nodes that lead there.
  private final List<List<Node>> continuations = new ArrayList<>();

  /// Nodes to compute, from below the root down: each list one way through the tree.
  private final List<List<Node>> legs = new ArrayList<>();

  private int leg;
  private int innerNodes;
  private int longest;

  /// A token behind all those above it.
  private static final class Node {
    final int token;
    final Map<Integer, Node> next = new TreeMap<>();
    float logprob;

    Node(int token) {
      this.token = token;
    }

    boolean isInner() {
      return !next.isEmpty();
    }
  }

  Choice(int promptTokens, List<int[]> continuations) {
    this.promptTokens = promptTokens;
    for (int[] tokens : continuations) {
      List<Node> nodes = new ArrayList<>(tokens.length);
      Node node = root;
      for (int token : tokens) {
        node = node.next.computeIfAbsent(token, Node::new);
        nodes.add(node);
      }
      this.continuations.add(nodes);
    }
    findLegs(root, new ArrayList<>());
    leg = 0;
  }

  /// Deeper than the stack only where a continuation is longer than any model's context.
  private void findLegs(Node node, List<Node> above) {
    boolean isEnd = true;
    for (Node next : node.next.values()) {
      if (next.isInner()) {
        isEnd = false;
        innerNodes++;
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

  /// Tokens of continuations that are computed, each once.
  int computedTokens() {
    return innerNodes;
  }

  /// The most tokens that stand behind the prompt at once.
  int longest() {
    return longest;
  }

  /// True where the sequence will be rolled back to its prompt or a little behind it.
  boolean hasMoreLegs() {
    return leg + 1 < legs.size();
  }

  /// The first way through the tree joins the prompt.
  void begin(IntList tokens) {
    legs.getFirst().forEach(node -> tokens.add(node.token));
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
    return depth < 0 ? root : legs.get(leg).get(depth);
  }

  /// Takes the log-probabilities of the tokens behind `position`.
  void take(int position, SampleResult result) {
    int i = 0;
    for (Node next : node(position).next.values()) {
      next.logprob = result.logprobs()[i++];
    }
  }

  /// Rolls `sequence` back and leads it the next way; false where it has been everywhere.
  boolean advance(Sequence sequence) {
    if (!hasMoreLegs()) {
      return false;
    }
    List<Node> before = legs.get(leg++);
    List<Node> now = legs.get(leg);
    int common = 0;
    while (before.get(common) == now.get(common)) {
      common++;
    }
    sequence.truncate(promptTokens + common);
    now.subList(common, now.size()).forEach(node -> sequence.tokens().add(node.token));
    return true;
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

package io.sparkllama4.examples.tickets;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/// Turns facts into the text of one ticket and remembers which wordings it used.
///
/// The body holds the problem (statement and request), what the customer says about product, order
/// and priority, and irrelevant sentences, in varying order; around it come subject, greeting,
/// closing and signature, each of which may be missing. One object composes one ticket.
final class TicketComposer {

  private static final Pattern SLOT = Pattern.compile("\\{(\\w+)}");
  private static final String ITEM_SLOT = "{item}";

  /// Where product and order stand that the problem sentence does not name.
  private enum Placement {
    AMONG_SENTENCES,
    HEAD,
    FOOT
  }

  private final Templates templates;
  private final Words words;
  private final Facts facts;
  private final Language language;
  private final Dice dice;
  private final int typoPercent;
  private final List<String> templateIds = new ArrayList<>();
  private boolean namesProductInStatement;

  TicketComposer(Templates templates, Words words, Facts facts, Language language, Dice dice) {
    this.templates = templates;
    this.words = words;
    this.facts = facts;
    this.language = language;
    this.dice = dice;
    this.typoPercent = dice.percent(30) ? 40 : 0;
  }

  /// The text, lines separated by line feeds.
  String compose() {
    List<String> sentences = problemSentences();
    List<String> references = references();
    Placement placement = dice.pick(List.of(Placement.values()));
    if (placement == Placement.AMONG_SENTENCES) {
      references.forEach(reference -> insert(sentences, withFullStop(reference)));
    }
    cues().forEach(cue -> insert(sentences, withFullStop(cue)));
    fillers().forEach(filler -> insert(sentences, withFullStop(filler)));

    List<String> lines = new ArrayList<>();
    addSometimes(lines, 20, "subject");
    if (placement == Placement.HEAD) {
      lines.addAll(references);
    }
    addSometimes(lines, 75, "greeting");
    lines.add(String.join(" ", sentences));
    if (placement == Placement.FOOT) {
      lines.addAll(references);
    }
    addSometimes(lines, 60, "closing");
    if (dice.percent(70)) {
      lines.add(words.personName(dice));
    }
    String text = String.join("\n", lines);
    return dice.percent(8) ? text.toLowerCase(Locale.ROOT) : text;
  }

  /// Ids of the wordings used so far.
  List<String> templateIds() {
    return List.copyOf(templateIds);
  }

  /// Statement first, mostly; the request alone would often leave the problem open.
  private List<String> problemSentences() {
    String key = facts.problem().key();
    List<String> sentences = new ArrayList<>();
    sentences.add(sentence(key + ".statement"));
    if (dice.percent(75)) {
      sentences.add(dice.percent(85) ? sentences.size() : 0, sentence(key + ".request"));
    }
    return sentences;
  }

  private List<String> references() {
    List<String> references = new ArrayList<>();
    if (facts.product().isPresent() && !namesProductInStatement) {
      references.add(sentence("product"));
    }
    if (facts.order() instanceof Detail.Known) {
      references.add(dice.below(references.size() + 1), sentence("order"));
    }
    return references;
  }

  private List<String> cues() {
    return switch (facts.priority()) {
      case HIGH -> List.of(sentence("urgent"));
      case LOW -> List.of(sentence("relaxed"));
      case NORMAL -> List.of();
    };
  }

  private List<String> fillers() {
    List<String> fillers = new ArrayList<>();
    for (int i = dice.below(3); i > 0; i--) {
      fillers.add(sentence("filler"));
    }
    return fillers;
  }

  private void addSometimes(List<String> lines, int percent, String role) {
    if (dice.percent(percent)) {
      lines.add(sentence(role));
    }
  }

  private void insert(List<String> sentences, String sentence) {
    sentences.add(dice.below(sentences.size() + 1), sentence);
  }

  /// Draws a wording of the role, makes slips of the hand, then fills the slots.
  private String sentence(String role) {
    Template template = dice.pick(templates.in(language, role));
    templateIds.add(template.id());
    String reading = template.wording().draw(dice);
    if (reading.contains(ITEM_SLOT) && !namesProductInStatement) {
      namesProductInStatement = facts.product().isPresent() && dice.percent(75);
    }
    String written = dice.percent(typoPercent) ? Typos.slip(reading, dice) : reading;
    return SLOT.matcher(written).replaceAll(slot -> value(slot.group(1)).replace("$", "\\$"));
  }

  private String value(String slot) {
    return switch (slot) {
      case "item" -> namesProductInStatement ? productMention() : words.genericNoun(language, dice);
      case "product" -> productMention();
      case "order" -> orderNumber();
      default -> words.value(slot, language, dice);
    };
  }

  private String productMention() {
    return facts.product().orElseThrow().mention(dice);
  }

  private String orderNumber() {
    return switch (facts.order()) {
      case Detail.Known(String number) -> number;
      case Detail.Missing() -> throw new IllegalStateException("No order to name in " + facts);
    };
  }

  private static String withFullStop(String sentence) {
    char last = sentence.charAt(sentence.length() - 1);
    return ".?!".indexOf(last) >= 0 ? sentence : sentence + ".";
  }
}

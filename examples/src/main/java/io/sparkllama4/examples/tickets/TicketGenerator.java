package io.sparkllama4.examples.tickets;

import java.util.List;
import java.util.Locale;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/// Makes tickets from a seed: the same seed yields the same tickets everywhere, and ticket number n
/// does not depend on how many were made before it.
///
/// Training and held-out tickets share the facts that can occur but no wording, see [Templates].
public final class TicketGenerator {

  /// Three quarters of the tickets are English.
  private static final int ENGLISH_PERCENT = 74;

  private static final List<Language> OTHER_LANGUAGES =
      List.of(Language.GERMAN, Language.FRENCH, Language.SPANISH);

  private final Templates templates;
  private final Words words = new Words();
  private final long seed;

  private TicketGenerator(Templates templates, long seed) {
    this.templates = templates;
    this.seed = seed;
  }

  /// Tickets to learn from.
  public static TicketGenerator training(long seed) {
    return new TicketGenerator(Templates.training(), seed);
  }

  /// Tickets to be asked about.
  public static TicketGenerator heldOut(long seed) {
    return new TicketGenerator(Templates.heldOut(), seed);
  }

  /// The endless sequence of tickets, from number 0.
  public Stream<Ticket> tickets() {
    return LongStream.iterate(0, number -> number + 1).mapToObj(this::ticket);
  }

  /// The ticket of a number.
  public Ticket ticket(long number) {
    Dice dice = Dice.of(seed, templates.split().part(number));
    Language language =
        dice.percent(ENGLISH_PERCENT) ? Language.ENGLISH : dice.pick(OTHER_LANGUAGES);
    Facts facts = Facts.draw(dice);
    TicketComposer composer = new TicketComposer(templates, words, facts, language, dice);
    String text = composer.compose();
    return new Ticket(
        String.format(Locale.ROOT, "%s-%06d", templates.split().label(), number),
        language,
        text,
        facts.queue(),
        facts.fields(),
        facts.summary(),
        composer.templateIds());
  }
}

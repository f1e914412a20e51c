package io.sparkllama4.examples.tickets;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A sentence with choices: `I was (charged|billed) twice for {item}.` has two readings. Choices do
/// not nest; an empty alternative leaves the words out. Slots in braces stay as they are.
public record Wording(List<Part> parts) {

  private static final Pattern CHOICE = Pattern.compile("\\(([^()]*)\\)");
  private static final Pattern SPACES = Pattern.compile(" {2,}");
  private static final Pattern SPACE_BEFORE_MARK = Pattern.compile(" ([.,?!:])");

  /// A piece of a wording.
  public sealed interface Part {

    /// What the piece may read, never empty.
    List<String> alternatives();
  }

  /// Words that are always there.
  public record Plain(String words) implements Part {
    @Override
    public List<String> alternatives() {
      return List.of(words);
    }
  }

  /// Words of which one alternative is taken.
  public record Choice(List<String> alternatives) implements Part {
    public Choice {
      alternatives = List.copyOf(alternatives);
    }
  }

  public Wording {
    parts = List.copyOf(parts);
  }

  /// Reads the notation of the resource files.
  public static Wording parse(String text) {
    List<Part> parts = new ArrayList<>();
    Matcher choice = CHOICE.matcher(text);
    int end = 0;
    while (choice.find()) {
      parts.add(new Plain(text.substring(end, choice.start())));
      parts.add(new Choice(List.of(choice.group(1).split("\\|", -1))));
      end = choice.end();
    }
    parts.add(new Plain(text.substring(end)));
    return new Wording(parts);
  }

  /// One reading, drawn.
  String draw(Dice dice) {
    StringBuilder reading = new StringBuilder();
    for (Part part : parts) {
      reading.append(dice.pick(part.alternatives()));
    }
    return tidy(reading.toString());
  }

  /// All readings, in the order of the notation: what a check needs that compares two wordings.
  public List<String> readings() {
    List<String> readings = List.of("");
    for (Part part : parts) {
      readings =
          readings.stream()
              .flatMap(begun -> part.alternatives().stream().map(begun::concat))
              .toList();
    }
    return readings.stream().map(Wording::tidy).toList();
  }

  /// Removes the spaces that empty alternatives leave.
  private static String tidy(String reading) {
    String single = SPACES.matcher(reading).replaceAll(" ");
    return SPACE_BEFORE_MARK.matcher(single).replaceAll("$1").strip();
  }
}

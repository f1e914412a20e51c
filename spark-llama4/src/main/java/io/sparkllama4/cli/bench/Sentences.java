package io.sparkllama4.cli.bench;

import java.util.ArrayList;
import java.util.List;

/// Short texts, every one different from the first words on, that anybody can make again.
public final class Sentences {
  private static final List<String> SUBJECTS =
      List.of("parcel", "invoice", "order", "notebook", "account", "refund", "monitor", "password");
  private static final List<String> EVENTS =
      List.of(
          "is late",
          "is missing",
          "arrived broken",
          "was charged twice",
          "does not work",
          "cannot be found",
          "was sent back",
          "is locked");
  private static final List<String> WISHES =
      List.of(
          "please help",
          "call me back",
          "I want my money",
          "send a new one",
          "what now",
          "this is urgent",
          "thank you",
          "cancel it");

  private Sentences() {}

  /// `count` texts of series `series`.
  public static List<String> make(int series, int count) {
    List<String> texts = new ArrayList<>(count);
    long state = series;
    for (int i = 0; i < count; i++) {
      state = state * 6364136223846793005L + 1442695040888963407L;
      int draw = (int) (state >>> 33);
      texts.add(
          (series * 1_000_000L + i)
              + ": my "
              + SUBJECTS.get(draw & 7)
              + " "
              + EVENTS.get((draw >>> 3) & 7)
              + ", "
              + WISHES.get((draw >>> 6) & 7)
              + ".");
    }
    return texts;
  }
}

package io.sparkllama4.examples;

import static org.assertj.core.api.Assertions.assertThat;

import io.sparkllama4.examples.tickets.Template;
import io.sparkllama4.examples.tickets.Templates;
import io.sparkllama4.examples.tickets.Ticket;
import io.sparkllama4.examples.tickets.TicketGenerator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/// The model is marked on tickets that it cannot have learnt by heart: neither a held-out ticket
/// nor a wording of one occurs in what it was trained on.
class HeldOutTicketsTest {
  private static final Pattern GENERATE =
      Pattern.compile("generate (training|held-out) (\\d+) (\\d+) ");
  private static final Pattern NO_WORD = Pattern.compile("[^\\p{L}\\p{N}{}]+");

  /// A call of the generator in the script that made the model.
  private record Call(int count, long seed) {
    static Call of(String split) throws IOException {
      Matcher call = GENERATE.matcher(Files.readString(Root.file("tools/small-model/make.sh")));
      while (call.find()) {
        if (call.group(1).equals(split)) {
          return new Call(Integer.parseInt(call.group(2)), Long.parseLong(call.group(3)));
        }
      }
      throw new AssertionError("make.sh does not generate " + split);
    }
  }

  @Test
  void noWordingOfAHeldOutTicketOccursInTraining() {
    Set<String> training = readings(Templates.training().all());
    Set<String> heldOut = readings(Templates.heldOut().all());

    assertThat(training).hasSizeGreaterThan(2_000);
    assertThat(heldOut).hasSizeGreaterThan(400).doesNotContainAnyElementsOf(training);
  }

  @Test
  void noHeldOutTicketOccursInTraining() throws IOException {
    Call training = Call.of("training");
    Set<String> learnt = new HashSet<>();
    Set<String> wordings = new HashSet<>();
    TicketGenerator.training(training.seed)
        .tickets()
        .limit(training.count)
        .forEach(
            ticket -> {
              learnt.add(normal(ticket.text()));
              wordings.addAll(ticket.templateIds());
            });
    List<Ticket> asked = heldOut();

    // Tickets repeat themselves now and then; most are different.
    assertThat(learnt).hasSizeGreaterThan(training.count * 9 / 10);
    assertThat(asked).isNotEmpty();
    assertThat(asked).noneMatch(ticket -> learnt.contains(normal(ticket.text())));
    assertThat(asked).allMatch(ticket -> !ticket.templateIds().isEmpty());
    assertThat(asked.stream().flatMap(ticket -> ticket.templateIds().stream()))
        .noneMatch(wordings::contains);
  }

  /// The tickets of the demo, as the generator makes them.
  static List<Ticket> heldOut() throws IOException {
    Call call = Call.of("held-out");
    return TicketGenerator.heldOut(call.seed).tickets().limit(call.count).toList();
  }

  @Test
  void theScriptAndTheQueryAskTheSameQuestions() throws IOException {
    String script = Files.readString(Root.file("tools/small-model/questions.py"));
    String query = Files.readString(Path.of(Root.file("examples/sql/tickets.sql").toString()));
    Matcher canonical = Pattern.compile("\"(queue|fields|summary)\": \"([^\"]+)\"").matcher(script);
    int questions = 0;
    while (canonical.find()) {
      assertThat(query).contains("concat('" + canonical.group(2) + "\\n\\n', text)");
      questions++;
    }
    assertThat(questions).isEqualTo(3);
  }

  /// All readings of wordings of two words or more; slots stay in braces.
  private static Set<String> readings(List<Template> templates) {
    return templates.stream()
        .flatMap(template -> template.wording().readings().stream())
        .map(HeldOutTicketsTest::normal)
        .collect(Collectors.toSet());
  }

  /// A text without what does not make it another text: case, marks and spaces.
  private static String normal(String text) {
    return NO_WORD.matcher(text.toLowerCase(Locale.ROOT)).replaceAll(" ").strip();
  }
}

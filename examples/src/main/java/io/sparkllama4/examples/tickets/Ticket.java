package io.sparkllama4.examples.tickets;

import java.util.List;
import java.util.stream.Collectors;

/// A support ticket with the right answers to the three questions about it.
///
/// @param id split and number
/// @param language in which the customer writes
/// @param text what the customer writes
/// @param queue the right queue
/// @param fields the right fields
/// @param summary the right summary, one English line
/// @param templateIds of all wordings in the text, see [Template#id]
public record Ticket(
    String id,
    Language language,
    String text,
    Queue queue,
    Fields fields,
    String summary,
    List<String> templateIds) {

  public Ticket {
    templateIds = List.copyOf(templateIds);
  }

  /// One line of JSON; `fields` is JSON as text, `templates` an array of ids.
  public String json() {
    String templates =
        templateIds.stream().map(JsonText::quote).collect(Collectors.joining(",", "[", "]"));
    return "{\"id\":"
        + JsonText.quote(id)
        + ",\"language\":"
        + JsonText.quote(language.code())
        + ",\"text\":"
        + JsonText.quote(text)
        + ",\"queue\":"
        + JsonText.quote(queue.label())
        + ",\"fields\":"
        + JsonText.quote(fields.json())
        + ",\"summary\":"
        + JsonText.quote(summary)
        + ",\"templates\":"
        + templates
        + "}";
  }
}

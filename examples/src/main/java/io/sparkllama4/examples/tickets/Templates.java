package io.sparkllama4.examples.tickets;

import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// All wordings of one split, read from the resource files. Immutable.
public final class Templates {

  private final Split split;
  private final Map<Language, Map<String, List<Template>>> byRole;

  private Templates(Split split, Map<Language, Map<String, List<Template>>> byRole) {
    this.split = split;
    this.byRole = byRole;
  }

  /// The wordings from which training tickets are made.
  public static Templates training() {
    return read(Split.TRAINING);
  }

  /// The wordings from which held-out tickets are made.
  public static Templates heldOut() {
    return read(Split.HELD_OUT);
  }

  private static Templates read(Split split) {
    Map<Language, Map<String, List<Template>>> byRole = new EnumMap<>(Language.class);
    for (Language language : Language.values()) {
      byRole.put(language, read(split, language));
    }
    return new Templates(split, Collections.unmodifiableMap(byRole));
  }

  private static Map<String, List<Template>> read(Split split, Language language) {
    Map<String, List<Template>> byRole = new LinkedHashMap<>();
    Sections.read(split.label() + "/" + language.code() + ".txt")
        .entries()
        .forEach((role, lines) -> byRole.put(role, number(split, language, role, lines)));
    return Collections.unmodifiableMap(byRole);
  }

  private static List<Template> number(
      Split split, Language language, String role, List<String> lines) {
    List<Template> templates = new ArrayList<>();
    for (String line : lines) {
      String number = String.valueOf(templates.size() + 1);
      String id = String.join("/", split.label(), language.code(), role, number);
      templates.add(new Template(id, split, language, role, line));
    }
    return List.copyOf(templates);
  }

  public Split split() {
    return split;
  }

  /// Every wording, in the order of the files.
  public List<Template> all() {
    return byRole.values().stream()
        .flatMap(roles -> roles.values().stream())
        .flatMap(List::stream)
        .toList();
  }

  /// The wordings of a role in a language, never empty.
  public List<Template> in(Language language, String role) {
    List<Template> templates =
        byRole.getOrDefault(language, Map.of()).getOrDefault(role, List.of());
    if (templates.isEmpty()) {
      throw new IllegalArgumentException(
          String.join(" ", "No", split.label(), "wording in", language.code(), "for", role));
    }
    return templates;
  }
}

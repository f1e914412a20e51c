package io.sparkllama4.examples.tickets;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;

/// A resource file of named sections: `[name]` begins one, each further line is an entry, lines
/// that begin with `#` are comments. Sections keep the order of the file.
///
/// @param name of the resource, for messages
/// @param entries section name to lines
record Sections(String name, SequencedMap<String, List<String>> entries) {

  Sections {
    entries = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(entries));
  }

  /// Reads a resource that lies beside this class.
  static Sections read(String name) {
    try (InputStream bytes = Sections.class.getResourceAsStream(name)) {
      InputStream found =
          Objects.requireNonNull(bytes, () -> "Cannot find resource [" + name + "]");
      return parse(name, new InputStreamReader(found, StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read resource [" + name + "]", e);
    }
  }

  private static Sections parse(String name, InputStreamReader text) throws IOException {
    SequencedMap<String, List<String>> entries = new LinkedHashMap<>();
    String section = "";
    for (String line : new BufferedReader(text).lines().toList()) {
      if (line.startsWith("[")) {
        section = line.substring(1, line.length() - 1);
        entries.put(section, new ArrayList<>());
      } else if (!line.isBlank() && !line.startsWith("#")) {
        entries.computeIfAbsent(section, _ -> new ArrayList<>()).add(line);
      }
    }
    return new Sections(name, entries);
  }

  /// The lines of a section; a section that is not there is an error in the file.
  List<String> lines(String section) {
    Map<String, List<String>> all = entries;
    if (!all.containsKey(section)) {
      throw new IllegalArgumentException(
          "Resource [" + name + "] has no section [" + section + "]");
    }
    return all.get(section);
  }
}

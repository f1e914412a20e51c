package io.sparkllama4.text.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.InputStream;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Renderings that jinja2 gave for the same expressions, statements and white space; and that a
/// template gets at nothing else.
class TemplateTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Clock CLOCK =
      Clock.fixed(Instant.parse("2024-07-05T03:04:09.123456Z"), ZoneOffset.UTC);

  private static String render(String template, Map<String, ?> variables) {
    return Template.parse(template).render(variables, CLOCK, Limits.STANDARD, Shadows.ABSENT);
  }

  private static String render(String template) {
    return render(template, Map.of());
  }

  static List<Object[]> cases() throws Exception {
    try (InputStream file = TemplateTest.class.getResourceAsStream("/text/templates.json")) {
      JsonNode resource = JSON.readTree(Objects.requireNonNull(file));
      List<Object[]> cases = new ArrayList<>();
      for (JsonNode one : resource.get("expressions")) {
        JsonNode variables =
            one.has("variables") ? one.get("variables") : resource.get("variables");
        cases.add(new Object[] {one.get("template").asText(), variables, one});
      }
      return cases;
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void rendersAsJinjaDoes(String template, JsonNode variables, JsonNode expected) {
    Map<String, @Nullable Object> given = new LinkedHashMap<>();
    Map<String, @Nullable Object> shadowed = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> variable : variables.properties()) {
      given.put(variable.getKey(), JSON.convertValue(variable.getValue(), Object.class));
      shadowed.put(variable.getKey(), hidden(given.get(variable.getKey())));
    }
    Template parsed = Template.parse(template);
    if (expected.has("rendered")) {
      String wanted = expected.get("rendered").textValue();
      assertThat(parsed.render(given, CLOCK, Limits.STANDARD, Shadows.ABSENT)).isEqualTo(wanted);
      // Punctuation in disguise changes nothing but itself.
      assertThat(Shadows.plain(parsed.render(shadowed, CLOCK, Limits.STANDARD, Shadows.PRESENT)))
          .isEqualTo(wanted);
    } else {
      String raised = expected.path("raises").asText();
      assertThatThrownBy(() -> parsed.render(given, CLOCK, Limits.STANDARD, Shadows.ABSENT))
          .isInstanceOf(TemplateException.class)
          .hasMessageContaining(raised);
    }
  }

  /// The value with all punctuation of its texts in shadow.
  private static @Nullable Object hidden(@Nullable Object value) {
    return switch (value) {
      case String text -> {
        StringBuilder hidden = new StringBuilder();
        text.chars()
            .forEach(
                c -> hidden.append(Shadows.canHide((char) c) ? Shadows.hide((char) c) : (char) c));
        yield hidden.toString();
      }
      case List<?> list -> {
        List<@Nullable Object> hidden = new ArrayList<>();
        list.forEach(item -> hidden.add(hidden(item)));
        yield hidden;
      }
      case Map<?, ?> map -> {
        Map<Object, @Nullable Object> hidden = new LinkedHashMap<>();
        map.forEach((key, item) -> hidden.put(key, hidden(item)));
        yield hidden;
      }
      case null -> null;
      default -> value;
    };
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{{ x.class }}",
        "{{ x.getClass }}",
        "{{ x['class'] }}",
        "{{ x.__class__ }}",
        "{{ l.getClass }}",
        "{{ d.entrySet }}",
        "{{ n.intValue }}",
        "{{ ns.attributes }}",
        "{{ range.call }}",
        "{{ session }}{{ Session }}{{ java }}{{ System }}"
      })
  void seesNothingOfJava(String template) {
    Map<String, ?> variables = Map.of("x", "text", "l", List.of(1), "d", Map.of("k", 1), "n", 3);
    assertThat(render("{% set ns = namespace() %}" + template, variables)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{{ x.getClass() }}",
        "{{ x.__class__.__mro__ }}",
        "{{ x.chars() }}",
        "{{ l.add(1) }}",
        "{{ d.put(1, 2) }}",
        "{{ d.clear() }}",
        "{% set ns = namespace() %}{% set ns._x = 1 %}"
      })
  void callsNothingOfJava(String template) {
    Map<String, ?> variables = Map.of("x", "text", "l", List.of(1), "d", Map.of("k", 1));
    assertThatThrownBy(() -> render(template, variables)).isInstanceOf(TemplateException.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{{ 'x' * 1000000000 }}",
        "{{ [1] * 1000000000 }}",
        "{{ 'x'.center(2000000000) }}",
        "{{ '%2000000000d' % 1 }}",
        "{{ '%.2000000000f' % 1 }}",
        "{{ '{:2000000000}'.format(1) }}",
        "{{ 'x' | indent(2000000000, true) }}",
        "{{ [1] | tojson(indent=2000000000) }}",
        "{{ range(1000000000) }}",
        "{{ 10 ** 1000000 }}",
        "{% set ns = namespace(x='x') %}{% for i in range(99) %}"
            + "{% set ns.x = ns.x * 2 %}{% endfor %}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}"
            + "{% set ns.x = ns.x + ns.x %}{% endfor %}",
        "{% set ns = namespace(x=[]) %}{% for i in range(9999) %}"
            + "{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}",
        "{% set ns = namespace(x=[]) %}{% for i in range(9999) %}"
            + "{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x | tojson }}",
        "{% set ns = namespace(x=[], y=[]) %}{% for i in range(9999) %}"
            + "{% set ns.x = [ns.x] %}{% set ns.y = [ns.y] %}{% endfor %}{{ ns.x == ns.y }}",
        "{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% macro f(x) %}{% for i in range(9) %}{{ f(x) }}{% endfor %}{% endmacro %}{{ f(1) }}",
        "{% for i in range(99999) %}{% for i in range(99999) %}{% endfor %}{% endfor %}",
        "{% set a = 'x' * 20000000 %}{{ (a + 'y') in (a + a) }}"
      })
  void stopsWhatTakesTooMuch(String template) {
    Limits limits = new Limits(64L << 20, 128L << 20, 2_000_000, 200, Duration.ofSeconds(30));
    Template parsed = Template.parse(template);
    assertThatThrownBy(() -> parsed.render(Map.of(), CLOCK, limits, Shadows.ABSENT))
        .isInstanceOf(TemplateException.class);
  }

  @Test
  void stopsWhatTakesTooLong() {
    Limits limits = new Limits(1 << 20, 1L << 40, Long.MAX_VALUE, 200, Duration.ofMillis(50));
    Template parsed =
        Template.parse(
            "{% for i in range(99999) %}{% for i in range(99999) %}{% endfor %}{% endfor %}");
    assertThatThrownBy(() -> parsed.render(Map.of(), CLOCK, limits, Shadows.ABSENT))
        .isInstanceOf(TemplateException.class)
        .hasMessageContaining("longer than");
  }

  @Test
  void refusesTemplatesThatNestTooDeeply() {
    for (String source :
        List.of(
            "{{ " + "(".repeat(5000) + "1" + ")".repeat(5000) + " }}",
            "{{ " + "[".repeat(5000) + "]".repeat(5000) + " }}",
            "{{ " + "not ".repeat(5000) + "1 }}",
            "{{ " + "-".repeat(5000) + "1 }}",
            "{{ " + "1 if 1 else ".repeat(5000) + "1 }}",
            "{% if 1 %}".repeat(5000) + "{% endif %}".repeat(5000),
            "x".repeat(2_000_000))) {
      assertThatThrownBy(() -> Template.parse(source)).isInstanceOf(TemplateSyntaxException.class);
    }
    assertThatThrownBy(() -> render("{{ 1" + " + 1".repeat(200_000) + " }}"))
        .isInstanceOf(TemplateException.class);
  }

  @Test
  void refusesAnInputThatNestsTooDeeply() {
    Object deep = "x";
    for (int i = 0; i < 10_000; i++) {
      deep = List.of(deep);
    }
    Map<String, Object> variables = Map.of("x", deep);
    assertThatThrownBy(() -> render("{{ 1 }}", variables)).isInstanceOf(TemplateException.class);
  }

  @Test
  void forgetsEveryRenderingBeforeTheNext() {
    Template template =
        Template.parse("{% set x = (x or 0) + 1 %}{% macro f() %}{{ x }}{% endmacro %}{{ f() }}");
    for (int i = 0; i < 3; i++) {
      assertThat(template.render(Map.of(), CLOCK, Limits.STANDARD, Shadows.ABSENT)).isEqualTo("1");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{{ s | format(1) }}",
        "{{ s | batch(2) }}",
        "{{ s | truncate(9) }}",
        "{{ s | center(6) }}",
        "{{ s | wordcount }}",
        "{{ s is escaped }}",
        "{% if false %}{{ s | nothing }}{% endif %}",
        "{% for k in s recursive %}{% endfor %}",
        "{{ f(*s) }}",
        "{{ f(**s) }}",
        "{% do s %}",
        "{% include 's' %}",
        "{% import 's' as s %}",
        "{% extends 's' %}",
        "{% block s %}{% endblock %}",
        "{% autoescape true %}{% endautoescape %}",
        "\ufdd0"
      })
  void refusesWhatItDoesNotSupportWhenItIsOpened(String source) {
    assertThatThrownBy(() -> Template.parse(source)).isInstanceOf(TemplateSyntaxException.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{{ '%s' % s }}",
        "{{ '{}'.format(s) }}",
        "{{ s.swapcase() }}",
        "{{ s.replace('', '-') }}",
        "{{ 9223372036854775807 + 1 }}",
        "{{ 10 ** 100 }}",
        "{{ strftime_now('%U') }}",
        "{{ namespace }}",
        "{{ [s] | map('upper') }}"
      })
  void refusesWhatItDoesNotSupportWhenItIsReached(String source) {
    assertThatThrownBy(() -> render(source, Map.of("s", "text")))
        .isInstanceOf(TemplateException.class);
  }

  @Test
  void tellsWhatIsAllowedInstead() {
    assertThatThrownBy(() -> Template.parse("{{ 1 | batch(2) }}"))
        .hasMessageContaining("batch")
        .hasMessageContaining("tojson");
    assertThatThrownBy(() -> Template.parse("{% include 'x' %}"))
        .hasMessageContaining("include")
        .hasMessageContaining("macro");
  }

  @Test
  void rendersInManyThreadsAtOnce() {
    Template template =
        Template.parse(
            "{% set ns = namespace(n=0) %}{% macro f(x) %}<{{ x }}>{% endmacro %}"
                + "{% for i in range(n) %}{% set ns.n = ns.n + i %}{{ f(i) }}{% endfor %}{{ ns.n }}");
    List<String> alone = IntStream.range(0, 64).mapToObj(n -> render(template, n)).toList();
    List<String> together =
        IntStream.range(0, 64).parallel().mapToObj(n -> render(template, n)).toList();
    assertThat(together).isEqualTo(alone);
    assertThat(alone.get(3)).isEqualTo("<0><1><2>3");
  }

  private static String render(Template template, int n) {
    return template.render(Map.of("n", n), CLOCK, Limits.STANDARD, Shadows.ABSENT);
  }
}

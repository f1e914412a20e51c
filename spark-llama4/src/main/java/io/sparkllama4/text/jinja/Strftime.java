package io.sparkllama4.text.jinja;

import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.temporal.IsoFields;
import java.util.Locale;
import java.util.Map;

/// C's `strftime` in the C locale, which Python's dates use.
final class Strftime {
  private static final Map<Character, String> SHORTHANDS =
      Map.of(
          'c', "%a %b %e %H:%M:%S %Y",
          'D', "%m/%d/%y",
          'F', "%Y-%m-%d",
          'R', "%H:%M",
          'r', "%I:%M:%S %p",
          'T', "%H:%M:%S",
          'x', "%m/%d/%y",
          'X', "%H:%M:%S");
  // What Java's own patterns write the same way.
  private static final Map<Character, String> PATTERNS =
      Map.ofEntries(
          Map.entry('a', "EEE"),
          Map.entry('A', "EEEE"),
          Map.entry('b', "MMM"),
          Map.entry('B', "MMMM"),
          Map.entry('d', "dd"),
          Map.entry('f', "SSSSSS"),
          Map.entry('h', "MMM"),
          Map.entry('H', "HH"),
          Map.entry('I', "hh"),
          Map.entry('j', "DDD"),
          Map.entry('m', "MM"),
          Map.entry('M', "mm"),
          Map.entry('S', "ss"),
          Map.entry('y', "yy"),
          Map.entry('Y', "yyyy"));

  private Strftime() {}

  static String text(String format, ZonedDateTime time) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < format.length(); i++) {
      char c = format.charAt(i);
      if (c != '%' || i + 1 == format.length()) {
        text.append(c);
        continue;
      }
      char flag = format.charAt(++i);
      boolean flagged = "-_0^".indexOf(flag) >= 0 && i + 1 < format.length();
      char directive = flagged ? format.charAt(++i) : flag;
      text.append(flagged ? flagged(flag, directive, time) : directive(directive, time));
    }
    return text.toString();
  }

  /// GNU's flags: no padding, spaces instead of zeros, zeros, capitals.
  private static String flagged(char flag, char directive, ZonedDateTime time) {
    String text = directive(directive, time);
    return switch (flag) {
      case '-' -> text.replaceFirst("^[0 ]+(?=.)", "");
      case '_' -> " ".repeat(zeros(text)) + text.substring(zeros(text));
      case '^' -> text.toUpperCase(Locale.ROOT);
      default -> text.replace(' ', '0');
    };
  }

  private static int zeros(String text) {
    int zeros = 0;
    while (zeros < text.length() - 1 && text.charAt(zeros) == '0') {
      zeros++;
    }
    return zeros;
  }

  private static String directive(char directive, ZonedDateTime time) {
    String shorthand = SHORTHANDS.get(directive);
    if (shorthand != null) {
      return text(shorthand, time);
    }
    String pattern = PATTERNS.get(directive);
    if (pattern != null) {
      return DateTimeFormatter.ofPattern(pattern, Locale.US).format(time);
    }
    int weekday = time.getDayOfWeek().getValue();
    return switch (directive) {
      case 'V' -> two(time.get(IsoFields.WEEK_OF_WEEK_BASED_YEAR));
      case 'G' -> Integer.toString(time.get(IsoFields.WEEK_BASED_YEAR));
      case 'C' -> two(time.getYear() / 100);
      case 'e' -> String.format(Locale.ROOT, "%2d", time.getDayOfMonth());
      case 'k' -> String.format(Locale.ROOT, "%2d", time.getHour());
      case 'l' -> String.format(Locale.ROOT, "%2d", (time.getHour() + 11) % 12 + 1);
      case 'n' -> "\n";
      case 'p' -> time.getHour() < 12 ? "AM" : "PM";
      case 'P' -> time.getHour() < 12 ? "am" : "pm";
      case 's' -> Long.toString(time.toEpochSecond());
      case 't' -> "\t";
      case 'u' -> Integer.toString(weekday);
      case 'w' -> Integer.toString(weekday % 7);
      // Python's datetime.now() has no zone.
      case 'z', 'Z' -> "";
      case 'U' -> two((time.getDayOfYear() + 6 - weekday % 7) / 7);
      case 'W' -> two((time.getDayOfYear() + 7 - weekday) / 7);
      case '%' -> "%";
      default -> "%" + directive;
    };
  }

  private static String two(int number) {
    return String.format(Locale.ROOT, "%02d", number);
  }
}

package io.sparkllama4.text;

import io.sparkllama4.text.AddedTokens.Piece;
import io.sparkllama4.text.jinja.Shadows;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// Turns conversations into ids: the chat template's special tokens become their ids, and whatever
/// stands in messages, tools and variables becomes text, special strings too.
///
/// The two are told apart by [Shadows]: before rendering, special strings from outside are put in
/// disguise, which the template cannot see; behind it, only the template's own are found. A
/// rendering with shadows that differs from the plain one is refused, so that no mistake in this
/// can change a prompt.
///
/// Any number of threads may encode at the same time.
public final class ChatEncoder {
  /// What templates write again and again, such as roles and blank lines, is encoded once: pieces
  /// of at most so many characters, and at most so many of them.
  private static final int LONGEST_KEPT = 32;

  private static final int MOST_KEPT = 256;

  private final Map<String, int[]> kept = new ConcurrentHashMap<>();
  private final Tokenizer tokenizer;
  private final ChatTemplate template;
  private final AddedTokens addedTokens;

  /// Encodes with the two, which it does not own.
  public ChatEncoder(Tokenizer tokenizer, ChatTemplate template) {
    this.tokenizer = tokenizer;
    this.template = template;
    this.addedTokens = new AddedTokens(tokenizer.addedTokens());
  }

  /// The ids of a conversation; nothing is added to what the template writes.
  ///
  /// @param messages maps with a text `role`; see [ChatMessages]
  /// @param variables further variables of the template, such as `add_generation_prompt` and
  ///     `tools`
  /// @throws io.sparkllama4.error.Llama4Exception with `INVALID_OPTION` for what is no
  ///     conversation, `UNSUPPORTED_FEATURE` for images and their like, `TEMPLATE_ERROR` where the
  ///     template fails
  public int[] encode(
      List<? extends Map<String, ? extends @Nullable Object>> messages,
      Map<String, ? extends @Nullable Object> variables) {
    ChatMessages.check(messages);
    ChatMessages.refuseMedia(messages);
    return ids(messages, variables);
  }

  /// As [#encode], without its checks.
  int[] ids(
      List<? extends Map<String, ? extends @Nullable Object>> messages,
      Map<String, ? extends @Nullable Object> variables) {
    Hider hider = new Hider();
    List<Map<String, @Nullable Object>> hiddenMessages = new ArrayList<>();
    messages.forEach(message -> hiddenMessages.add(hider.map(message)));
    Map<String, @Nullable Object> hiddenVariables = hider.map(variables);
    String plain = template.render(messages, variables);
    if (!hider.hidden) {
      return ids(plain, UnaryOperator.identity());
    }
    if (hider.reserved) {
      throw ChatTemplate.failure(
          "special strings cannot be told from the template's own in a text that holds characters"
              + " from U+FDD0 to U+FDEF");
    }
    String shadowed = template.render(hiddenMessages, hiddenVariables, Shadows.PRESENT);
    if (!Shadows.plain(shadowed).equals(plain)) {
      throw ChatTemplate.failure(
          "special strings in a message cannot be told from the template's own");
    }
    return ids(shadowed, Shadows::plain);
  }

  private int[] ids(String rendered, UnaryOperator<String> reveal) {
    List<int[]> parts = new ArrayList<>();
    for (Piece piece : addedTokens.split(rendered)) {
      parts.add(
          piece.token().isEmpty()
              ? text(reveal.apply(piece.text()))
              : new int[] {piece.token().getFirst().id()});
    }
    return parts.stream().flatMapToInt(IntStream::of).toArray();
  }

  private int[] text(String piece) {
    int[] known = kept.get(piece);
    if (known != null) {
      return known;
    }
    int[] ids = tokenizer.encode(piece);
    if (piece.length() <= LONGEST_KEPT && kept.size() < MOST_KEPT) {
      kept.put(piece, ids);
    }
    return ids;
  }

  /// Copies values with their special strings hidden, and notes whether there were any.
  private final class Hider {
    private boolean hidden;
    private boolean reserved;

    Map<String, @Nullable Object> map(Map<?, ? extends @Nullable Object> map) {
      Map<String, @Nullable Object> copy = new LinkedHashMap<>();
      map.forEach((key, value) -> copy.put(key(String.valueOf(key)), value(value)));
      return copy;
    }

    /// A hidden key could not be looked up; special strings have no business in names.
    private String key(String key) {
      if (!hide(key).equals(key)) {
        throw ChatTemplate.failure("a special string is the name of a value");
      }
      return key;
    }

    private @Nullable Object value(@Nullable Object value) {
      return switch (value) {
        case String text -> {
          String copy = hide(text);
          hidden |= !copy.equals(text);
          reserved |= text.chars().anyMatch(c -> Shadows.isShadow((char) c));
          yield copy;
        }
        case List<?> list -> {
          List<@Nullable Object> copy = new ArrayList<>(list.size());
          list.forEach(item -> copy.add(value(item)));
          yield copy;
        }
        case Map<?, ?> map -> map(map);
        case null -> null;
        default -> value;
      };
    }

    private String hide(String text) {
      try {
        return addedTokens.hide(text);
      } catch (IllegalArgumentException e) {
        throw ChatTemplate.failure("a message holds a special string that cannot be escaped");
      }
    }
  }
}

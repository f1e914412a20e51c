package io.sparkllama4.text;

/// Turns the tokens of one growing answer into text, token by token. The pieces together are what
/// the whole list of ids gives at once: special tokens are left out, and a character whose bytes
/// lie in several tokens comes when it is complete.
///
/// Confined to one thread; for every answer a new one from [Tokenizer#decoder].
public final class TokenDecoder {
  private final TokenTable table;
  private final Utf8 text = new Utf8();
  private final TokenTable.Sink sink = text::append;

  TokenDecoder(TokenTable table) {
    this.table = table;
  }

  /// Takes the next token; returns the text that is complete now, which may be empty. An id that no
  /// token has adds nothing.
  public String append(int id) {
    table.forEach(id, sink);
    return text.take();
  }

  /// Takes no more; returns what is left, a broken character as U+FFFD.
  public String finish() {
    text.flush();
    return text.take();
  }
}

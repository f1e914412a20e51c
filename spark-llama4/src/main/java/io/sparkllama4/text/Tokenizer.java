package io.sparkllama4.text;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.text.ffi.NativeTokenizer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/// The tokenizer of a checkpoint. Any number of threads may use it at the same time.
public final class Tokenizer implements AutoCloseable {
  private final NativeTokenizer library;
  private final List<AddedToken> addedTokens;
  private final Map<String, Integer> ids = new HashMap<>();
  private final BitSet special = new BitSet();
  private final TokenTable table;
  private final Surroundings surroundings;
  private final int size;

  private Tokenizer(TokenizerFile file, NativeTokenizer library) {
    this.library = library;
    this.addedTokens = file.addedTokens();
    this.surroundings = file.surroundings();
    String[] tokens = file.tokens();
    int highest = tokens.length - 1;
    for (AddedToken token : addedTokens) {
      highest = Math.max(highest, token.id());
    }
    this.size = highest + 1;
    byte[][] bytes = new byte[size][];
    for (int id = 0; id < size; id++) {
      bytes[id] = ByteAlphabet.bytes(id < tokens.length ? tokens[id] : "");
    }
    for (AddedToken token : addedTokens) {
      ids.put(token.content(), token.id());
      special.set(token.id(), token.special());
      bytes[token.id()] = ByteAlphabet.bytes(token.special() ? "" : token.content());
    }
    this.table = new TokenTable(bytes);
  }

  /// Opens the tokenizer in `directory`.
  ///
  /// @param vocabulary how many ids the model has embeddings for
  /// @throws io.sparkllama4.error.Llama4Exception with `MISSING_FILE` or `INVALID_TOKENIZER`, the
  ///     file, what was found and what is expected
  public static Tokenizer open(Path directory, int vocabulary) {
    Path path = directory.resolve(TokenizerFile.NAME);
    if (!Files.isRegularFile(path)) {
      throw ErrorReport.of(ErrorCode.MISSING_FILE, "Cannot find " + path)
          .file(TokenizerFile.NAME)
          .exception();
    }
    TokenizerConfig.read(directory);
    TokenizerFile file = new TokenizerFile(TextFiles.text(path), vocabulary);
    // What the library does not see is checked before it is asked.
    file.addedTokens();
    file.surroundings();
    NativeTokenizer library;
    try {
      library = NativeTokenizer.of(file.withoutAddedTokens());
    } catch (IllegalArgumentException e) {
      throw TokenizerFile.invalid(
          "the tokenizer library refuses it", String.valueOf(e.getMessage()), "a tokenizer");
    }
    return new Tokenizer(file, library);
  }

  /// The ids of `text` as it stands: nothing is added, and special strings are text.
  ///
  /// @throws io.sparkllama4.error.Llama4Exception with `INVALID_UTF8` for half a surrogate pair
  public int[] encode(String text) {
    if (text.isEmpty()) {
      return new int[0];
    }
    checkPairs(text);
    return library.encode(text);
  }

  private static void checkPairs(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (Character.isSurrogate(text.charAt(i))) {
        if (Character.charCount(text.codePointAt(i)) == 1) {
          throw ErrorReport.of(
                  ErrorCode.INVALID_UTF8, "The text holds half a surrogate pair, at " + i)
              .exception();
        }
        i++;
      }
    }
  }

  /// The ids of `text` as [#encode] gives them, with what the tokenizer adds around a text, such as
  /// the token that begins one.
  public int[] encodeWithSurroundings(String text) {
    int[] inner = encode(text);
    int[] all = new int[surroundings.front().size() + inner.length + surroundings.back().size()];
    int at = 0;
    for (int id : surroundings.front()) {
      all[at++] = id;
    }
    System.arraycopy(inner, 0, all, at, inner.length);
    at += inner.length;
    for (int id : surroundings.back()) {
      all[at++] = id;
    }
    return all;
  }

  /// The id of an added token.
  public OptionalInt id(String content) {
    Integer id = ids.get(content);
    return id == null ? OptionalInt.empty() : OptionalInt.of(id);
  }

  /// All tokens that are found in text as a whole.
  public List<AddedToken> addedTokens() {
    return addedTokens;
  }

  /// True for a token that is left out of an answer's text.
  public boolean isSpecial(int id) {
    return id >= 0 && special.get(id);
  }

  /// The highest id and 1.
  public int size() {
    return size;
  }

  /// How many bytes of text `id` stands for; 0 for a special token.
  public int byteCount(int id) {
    return table.byteCount(id);
  }

  /// A decoder for one answer.
  public TokenDecoder decoder() {
    return new TokenDecoder(table);
  }

  /// The text of all of `ids`, without special tokens.
  public String decode(int[] ids) {
    TokenDecoder decoder = decoder();
    StringBuilder text = new StringBuilder();
    for (int id : ids) {
      text.append(decoder.append(id));
    }
    return text.append(decoder.finish()).toString();
  }

  @Override
  public void close() {
    library.close();
  }
}

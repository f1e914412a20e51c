package io.sparkllama4.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.Llama4Exception;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizerTest {
  @TempDir Path directory;

  private Tokenizer open() throws Exception {
    return Tokenizer.open(SmallTokenizer.write(directory), SmallTokenizer.SIZE);
  }

  private static int[] bytes(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int[] ids = new int[bytes.length];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = bytes[i] & 0xff;
    }
    return ids;
  }

  @Test
  void mergesAsTheVocabularySays() throws Exception {
    try (Tokenizer tokenizer = open()) {
      assertThat(tokenizer.encode("hello")).containsExactly(259);
      assertThat(tokenizer.encode("he ☀\u0000")).startsWith(256).hasSize(6);
      assertThat(tokenizer.encode("")).isEmpty();
    }
  }

  @Test
  void takesSpecialStringsForText() throws Exception {
    try (Tokenizer tokenizer = open()) {
      assertThat(tokenizer.encode("<|eot|>")).containsExactly(bytes("<|eot|>"));
      assertThat(tokenizer.encode("</think>")).containsExactly(bytes("</think>"));
    }
  }

  @Test
  void putsInFrontWhatThePostProcessorAdds() throws Exception {
    try (Tokenizer tokenizer = open()) {
      assertThat(tokenizer.encodeWithSurroundings("hello"))
          .containsExactly(SmallTokenizer.BEGIN, 259);
      assertThat(tokenizer.encodeWithSurroundings("")).containsExactly(SmallTokenizer.BEGIN);
    }
    SmallTokenizer.write(directory, json -> json.putNull("post_processor"));
    try (Tokenizer tokenizer = Tokenizer.open(directory, SmallTokenizer.SIZE)) {
      assertThat(tokenizer.encodeWithSurroundings("hello")).containsExactly(259);
    }
  }

  @Test
  void tellsItsAddedTokens() throws Exception {
    try (Tokenizer tokenizer = open()) {
      assertThat(tokenizer.size()).isEqualTo(SmallTokenizer.SIZE);
      assertThat(tokenizer.addedTokens()).hasSize(5);
      assertThat(tokenizer.id("<|eot|>")).hasValue(SmallTokenizer.END_OF_TURN);
      assertThat(tokenizer.id("hello")).isEmpty();
      assertThat(tokenizer.isSpecial(SmallTokenizer.END_OF_TURN)).isTrue();
      assertThat(tokenizer.isSpecial(SmallTokenizer.THINK)).isFalse();
      assertThat(tokenizer.isSpecial(259)).isFalse();
      assertThat(tokenizer.isSpecial(-1)).isFalse();
    }
  }

  @Test
  void decodesWithoutSpecialTokensAndUnknownIds() throws Exception {
    try (Tokenizer tokenizer = open()) {
      int[] ids = {SmallTokenizer.BEGIN, 259, SmallTokenizer.THINK, 9999, -1, 0xe2, 0x98, 0x80};
      assertThat(tokenizer.decode(ids)).isEqualTo("hello</think>☀");
    }
  }

  @Test
  void refusesHalfASurrogatePair() throws Exception {
    try (Tokenizer tokenizer = open()) {
      for (String text : List.of("a\ud83d", "\ude00a", "\ude00\ud83d")) {
        assertThatThrownBy(() -> tokenizer.encode(text))
            .isInstanceOfSatisfying(
                Llama4Exception.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_UTF8));
      }
      assertThat(tokenizer.decode(tokenizer.encode("🙂\ufffe"))).isEqualTo("🙂\ufffe");
    }
  }

  @Test
  void servesManyThreads() throws Exception {
    try (Tokenizer tokenizer = open();
        ExecutorService threads = Executors.newFixedThreadPool(4)) {
      List<Callable<String>> tasks = new ArrayList<>();
      List<String> texts = new ArrayList<>();
      for (int i = 0; i < 200; i++) {
        String text = "hello " + i + " ☀".repeat(i % 7);
        texts.add(text);
        tasks.add(() -> tokenizer.decode(tokenizer.encode(text)));
      }
      List<String> decoded = new ArrayList<>();
      for (Future<String> future : threads.invokeAll(tasks)) {
        decoded.add(future.get());
      }
      assertThat(decoded).isEqualTo(texts);
    }
  }

  @Test
  void refusesToEncodeWhenClosed() throws Exception {
    Tokenizer tokenizer = open();
    tokenizer.close();
    tokenizer.close();
    assertThatThrownBy(() -> tokenizer.encode("a")).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void loadsInSeveralClassLoaders() throws Exception {
    SmallTokenizer.write(directory);
    List<URL> classes = new ArrayList<>();
    for (String entry :
        System.getProperty("java.class.path").split(java.io.File.pathSeparator, -1)) {
      classes.add(Path.of(entry).toUri().toURL());
    }
    for (int i = 0; i < 2; i++) {
      try (URLClassLoader loader =
          new URLClassLoader(classes.toArray(URL[]::new), ClassLoader.getPlatformClassLoader())) {
        Class<?> type = loader.loadClass(Tokenizer.class.getName());
        assertThat(type).isNotSameAs(Tokenizer.class);
        Object tokenizer =
            type.getMethod("open", Path.class, int.class)
                .invoke(null, directory, SmallTokenizer.SIZE);
        int[] ids = (int[]) type.getMethod("encode", String.class).invoke(tokenizer, "hello");
        assertThat(ids).containsExactly(259);
        type.getMethod("close").invoke(tokenizer);
      }
    }
    try (Tokenizer tokenizer = Tokenizer.open(directory, SmallTokenizer.SIZE)) {
      assertThat(tokenizer.encode("hello")).containsExactly(259);
    }
  }

  @Test
  void missesAnAbsentFile() {
    assertThatThrownBy(() -> Tokenizer.open(directory, 10))
        .isInstanceOfSatisfying(
            Llama4Exception.class,
            e -> {
              assertThat(e.code()).isEqualTo(ErrorCode.MISSING_FILE);
              assertThat(e.report().file()).isEqualTo("tokenizer.json");
            });
  }

  @Test
  void refusesABrokenConfiguration() throws Exception {
    SmallTokenizer.write(directory);
    for (String config : List.of("{", "[]", "{\"bos_token\":3}", "{\"chat_template\":7}")) {
      Files.writeString(directory.resolve("tokenizer_config.json"), config);
      assertThatThrownBy(() -> Tokenizer.open(directory, SmallTokenizer.SIZE))
          .isInstanceOfSatisfying(
              Llama4Exception.class,
              e -> {
                assertThat(e.code()).isEqualTo(ErrorCode.INVALID_TOKENIZER);
                assertThat(e.report().file()).isEqualTo("tokenizer_config.json");
              });
    }
  }

  @Test
  void refusesMoreTokensThanTheModelHas() throws Exception {
    SmallTokenizer.write(directory);
    assertThatThrownBy(() -> Tokenizer.open(directory, SmallTokenizer.SIZE - 1))
        .isInstanceOfSatisfying(
            Llama4Exception.class,
            e -> {
              assertThat(e.code()).isEqualTo(ErrorCode.INVALID_TOKENIZER);
              assertThat(e.report().found()).isEqualTo("264");
              assertThat(e.report().expected()).contains("0 to 263");
            });
  }
}

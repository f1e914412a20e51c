package io.sparkllama4.plugin;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JavaVersionTest {
  /// The class file version of Java 17.
  private static final int JAVA_17 = 61;

  @ParameterizedTest
  @ValueSource(strings = {"17.0.15+6-Debian-1deb12u1", "21.0.1", "24", "25", "25.0.2+10"})
  void olderOnesAreRefusedWithWhatWasFoundAndWhatHelps(String version) {
    assertThat(JavaVersion.problem(Runtime.Version.parse(version), "driver", "set JAVA_HOME"))
        .hasValue(
            "spark-llama4 needs Java 25.0.3 or newer, but this driver runs on Java "
                + version
                + " in "
                + System.getProperty("java.home")
                + ": set JAVA_HOME");
  }

  @ParameterizedTest
  @ValueSource(strings = {"25.0.3", "25.0.3+9-LTS", "25.0.4-ea", "26"})
  void newerOnesAreTaken(String version) {
    assertThat(JavaVersion.problem(Runtime.Version.parse(version), "driver", "")).isEmpty();
  }

  /// What Spark loads by name, and what it loads of an executor's task, can be read by the oldest
  /// Java that runs Spark.
  @ParameterizedTest
  @ValueSource(classes = {JavaVersion.class, Llama4Plugin.class, CheckedTask.class})
  void entryClassesAreReadableForJava17(Class<?> entry) throws IOException {
    assertThat(classFileVersion(entry)).isEqualTo(JAVA_17);
  }

  @Test
  void theRestNeedsJava25() throws IOException {
    assertThat(classFileVersion(EnginePlugin.class)).isEqualTo(69);
  }

  private static int classFileVersion(Class<?> type) throws IOException {
    try (InputStream bytes = type.getResourceAsStream(type.getSimpleName() + ".class")) {
      assertThat(bytes).isNotNull();
      DataInputStream data = new DataInputStream(bytes);
      assertThat(data.readInt()).isEqualTo(0xCAFEBABE);
      data.readUnsignedShort();
      return data.readUnsignedShort();
    }
  }
}

package io.sparkllama4.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sparkllama4.golden.Oracle;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// The extension without the plugin, and the plugin without the extension.
class MissingPartsTest {
  @AfterEach
  void leavesNothing() {
    Leftovers.checkApplication();
  }

  @Test
  void theExtensionAloneNamesTheKeyOfThePlugin() {
    try (Application application = Application.start("local[2]", Map.of("spark.plugins", ""))) {
      assertThat(application.texts("SELECT 'other queries work'")).hasSize(1);
      assertThatThrownBy(() -> application.sql("SELECT llama4_generate('x')"))
          .hasMessageContaining("LLAMA4_UNSUPPORTED_FEATURE")
          .hasMessageContaining("spark.plugins=io.sparkllama4.plugin.Llama4Plugin");
    }
  }

  @Test
  void thePluginBringsTheFunctions() {
    Map<String, String> alone =
        Map.of(
            "spark.sql.extensions",
            "",
            "spark.llama4.model",
            Oracle.resources().resolve("scout").toString());
    try (Application application = Application.start("local[2]", alone)) {
      assertThat(application.texts("SELECT llama4_generate('x', max_tokens => 2)")).hasSize(1);
    }
  }

  @Test
  void thePluginKeepsOtherExtensions() {
    Map<String, String> others =
        Map.of(
            "spark.sql.extensions",
            OtherExtension.class.getName(),
            "spark.llama4.model",
            Oracle.resources().resolve("scout").toString());
    try (Application application = Application.start("local[2]", others)) {
      assertThat(application.texts("SELECT llama4_generate('x', max_tokens => 2)")).hasSize(1);
      assertThat(application.session().sparkContext().getConf().get("spark.sql.extensions"))
          .isEqualTo(OtherExtension.class.getName() + ",io.sparkllama4.udfs.Llama4Extensions");
    }
  }

  /// An extension of somebody else.
  public static final class OtherExtension
      extends scala.runtime.AbstractFunction1<
          org.apache.spark.sql.SparkSessionExtensions, scala.runtime.BoxedUnit> {
    @Override
    public scala.runtime.BoxedUnit apply(org.apache.spark.sql.SparkSessionExtensions extensions) {
      return scala.runtime.BoxedUnit.UNIT;
    }
  }
}

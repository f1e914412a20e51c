package io.sparkllama4.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// The packages keep to their rules, and every rule can be broken.
class ArchitectureTest {
  private static final String ROOT = "io.sparkllama4";
  private static final String PLANTED_ROOT = "io.sparkllama4.architecture.planted";

  private static final JavaClasses PRODUCT =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages(ROOT);

  private static final JavaClasses PLANTED = new ClassFileImporter().importPackages(PLANTED_ROOT);

  static List<Rules.Rule> rules() {
    return new Rules(ROOT).all();
  }

  static List<Rules.Rule> plantedRules() {
    return new Rules(PLANTED_ROOT).all();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("rules")
  void productKeeps(Rules.Rule rule) {
    rule.rule().check(PRODUCT);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("plantedRules")
  void plantedClassBreaks(Rules.Rule rule) {
    var result = rule.rule().evaluate(PLANTED);
    assertThat(result.hasViolation()).as("[%s] can fail", rule).isTrue();
    assertThat(result.getFailureReport().toString()).contains(PLANTED_ROOT + "." + rule.offender());
  }

  /// A package that nobody drew an arrow for would be seen by no rule about arrows.
  @Test
  void arrowsNameEveryPackageAndNoOther() {
    assertThat(
            PRODUCT.stream()
                .map(JavaClass::getPackageName)
                .map(name -> name.substring(ROOT.length() + 1))
                .collect(Collectors.toSet()))
        .containsExactlyInAnyOrderElementsOf(Arrows.packages());
  }

  @Test
  void everyPackageSaysWhatItIsForAndWhatItMayKnow() throws IOException {
    Path root = Path.of(System.getProperty("sparkllama4.root"));
    List<PackagePage> pages = PackagePage.below(root);
    assertThat(pages).extracting(PackagePage::name).containsAll(Arrows.packages());
    assertThat(pages.stream().flatMap(page -> page.problems().stream())).isEmpty();
  }

  @Test
  void packageWithoutPageIsFound(@TempDir Path root) throws IOException {
    Path folder = folder(root, "silent");
    Files.writeString(folder.resolve("Lonely.java"), "class Lonely {}\n");
    assertThat(PackagePage.below(root).getFirst().problems())
        .containsExactly("silent has no package-info.java");
  }

  @Test
  void packageWithOneSentenceIsFound(@TempDir Path root) throws IOException {
    Path folder = folder(root, "terse");
    Files.writeString(
        folder.resolve("package-info.java"), "/// Things.\npackage io.sparkllama4.terse;\n");
    assertThat(PackagePage.below(root).getFirst().problems())
        .containsExactly(
            "terse is not @NullMarked",
            "terse says less than two sentences",
            "terse does not say what it may know");
  }

  private static Path folder(Path root, String name) throws IOException {
    return Files.createDirectories(
        root.resolve("module/src/main/java/io/sparkllama4").resolve(name));
  }
}

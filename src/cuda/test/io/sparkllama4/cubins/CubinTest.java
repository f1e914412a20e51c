package io.sparkllama4.cubins;

import static org.assertj.core.api.Assertions.assertThat;

import io.sparkllama4.backend.cuda.KernelArchive;
import io.sparkllama4.backend.cuda.KernelFigures;
import io.sparkllama4.backend.cuda.KernelTarget;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// The machine code in the archive, instruction by instruction: what cannot be measured without a
/// device can be read.
class CubinTest {
  /// What kernels whose names begin so must have.
  private static final Map<String, Set<String>> NEEDS =
      Map.of(
          "matmul_", Set.of(Limits.TENSOR, Limits.WIDE),
          "grouped_", Set.of(Limits.TENSOR, Limits.WIDE),
          "attend_", Set.of(Limits.TENSOR));

  private static SortedMap<String, Cubin.Kernel> code(KernelArchive archive, KernelTarget target) {
    SortedMap<String, Cubin.Kernel> kernels = new TreeMap<>();
    archive
        .images(target)
        .forEach(
            (module, image) -> {
              Cubin cubin = new Cubin(image);
              assertThat("sm_" + cubin.architecture()).as(module).isEqualTo(target.architecture());
              kernels.putAll(cubin.kernels());
            });
    return kernels;
  }

  /// What a kernel breaks of its limits.
  private static List<String> problems(KernelFigures figures, Cubin.Kernel code, Limits.Line line) {
    List<String> problems = new ArrayList<>();
    String name = figures.kernel();
    int local = code.instructions().localAccesses();
    if (figures.spilledBytes() + figures.stackBytes() + local > 0) {
      problems.add(
          "%s spills %d bytes, has %d bytes of local memory and %d accesses to it"
              .formatted(name, figures.spilledBytes(), figures.stackBytes(), local));
    }
    if (figures.registers() > line.registers()) {
      problems.add(
          "%s takes %d registers of %d".formatted(name, figures.registers(), line.registers()));
    }
    if (figures.sharedBytes() > line.sharedBytes()) {
      problems.add(
          "%s takes %d bytes of shared memory of %d"
              .formatted(name, figures.sharedBytes(), line.sharedBytes()));
    }
    if (line.needs().contains(Limits.TENSOR) && code.instructions().count("HMMA") == 0) {
      problems.add(name + " has no product on tensor cores");
    }
    if (line.needs().contains(Limits.WIDE) && code.instructions().wideLoads() == 0) {
      problems.add(name + " does not read 16 bytes a thread");
    }
    return problems;
  }

  @ParameterizedTest
  @EnumSource(names = {"SM_80", "SM_90", "SM_100"})
  void kernelsKeepToTheirLimits(KernelTarget target) throws IOException {
    Limits limits = Limits.of(Project.ROOT);
    KernelArchive archive = Project.archive();
    SortedMap<String, Cubin.Kernel> code = code(archive, target);
    SortedMap<String, KernelFigures> figures = archive.kernels(target);

    assertThat(code).isNotEmpty().containsOnlyKeys(figures.keySet());
    Stream<String> problems =
        figures.values().stream()
            .flatMap(
                its -> {
                  Cubin.Kernel kernel = Objects.requireNonNull(code.get(its.kernel()));
                  return problems(its, kernel, limits.of(its.kernel())).stream();
                });
    assertThat(problems).as(target.architecture()).isEmpty();
  }

  /// Two sources for the same figures: the compiler's log, and the file's attributes.
  @ParameterizedTest
  @EnumSource(names = {"SM_80", "SM_90", "SM_100"})
  void figuresAreThoseInTheCode(KernelTarget target) throws IOException {
    KernelArchive archive = Project.archive();
    SortedMap<String, Cubin.Kernel> code = code(archive, target);
    archive
        .kernels(target)
        .forEach(
            (name, figures) ->
                assertThat(code.get(name))
                    .as(name)
                    .usingRecursiveComparison()
                    .ignoringFields("instructions")
                    .isEqualTo(
                        new Cubin.Kernel(
                            figures.threads(),
                            figures.registers(),
                            figures.sharedBytes(),
                            new Instructions(new TreeMap<>()))));
  }

  /// The name alone asks for it, so that a new kernel cannot forget; an exception has a line.
  @Test
  void productsRunOnTensorCoresAndReadWideUnlessTheyAreNamed() throws IOException {
    Limits limits = Limits.of(Project.ROOT);
    for (String kernel : Project.archive().kernels(KernelTarget.SM_80).keySet()) {
      Limits.Line line = limits.of(kernel);
      Set<String> wanted =
          NEEDS.entrySet().stream()
              .filter(need -> kernel.startsWith(need.getKey()))
              .findFirst()
              .map(Map.Entry::getValue)
              .orElse(Set.of());
      assertThat(line.needs().containsAll(wanted) || line.pattern().equals(kernel))
          .as("[%s] needs %s, or a line of its own in %s", kernel, wanted, Limits.FILE)
          .isTrue();
    }
  }

  @Test
  void everyLineOfTheLimitsIsAboutAKernel() throws IOException {
    Limits limits = Limits.of(Project.ROOT);
    TreeSet<String> used = new TreeSet<>();
    Project.archive()
        .kernels(KernelTarget.SM_80)
        .keySet()
        .forEach(kernel -> used.add(limits.of(kernel).pattern()));
    assertThat(limits.lines()).extracting(Limits.Line::pattern).isSubsetOf(used);
  }

  /// Each check of [#kernelsKeepToTheirLimits] can fail.
  @Test
  void whatBreaksLimitsIsSeen() {
    Limits.Line line = Limits.read("k 64 512 0 tensor,wide").of("k");
    Map<String, Integer> good = Map.of("HMMA", 1, "LDGSTS.128", 2, "LDG.32", 1);
    assertThat(problems(figures(64, 512, 0, 0), kernel(good), line)).isEmpty();
    assertThat(problems(figures(65, 513, 0, 0), kernel(Map.of("LDG.64", 9)), line))
        .containsExactly(
            "k takes 65 registers of 64",
            "k takes 513 bytes of shared memory of 512",
            "k has no product on tensor cores",
            "k does not read 16 bytes a thread");
    for (Map<String, Integer> local : List.of(Map.of("LDL.64", 1), Map.of("STL.32", 1))) {
      Map<String, Integer> all = new TreeMap<>(good);
      all.putAll(local);
      assertThat(problems(figures(1, 0, 0, 0), kernel(all), line)).hasSize(1);
    }
    assertThat(problems(figures(1, 0, 16, 0), kernel(good), line)).hasSize(1);
    assertThat(problems(figures(1, 0, 0, 4), kernel(good), line)).hasSize(1);
  }

  private static KernelFigures figures(int registers, int shared, int stack, int spilled) {
    return new KernelFigures("k", "m", 128, registers, shared, stack, spilled);
  }

  private static Cubin.Kernel kernel(Map<String, Integer> counts) {
    return new Cubin.Kernel(128, 64, 512, new Instructions(new TreeMap<>(counts)));
  }
}

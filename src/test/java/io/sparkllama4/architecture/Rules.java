package io.sparkllama4.architecture;

import static com.tngtech.archunit.core.domain.JavaCall.Predicates.target;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.assignableTo;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.methods;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noFields;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaCall;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaField;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.NullMarked;

/// The rules, for the product or for what is planted to break them.
final class Rules {
  /// Spark, and what comes with Spark alone.
  private static final String[] SPARK = {
    "org.apache.spark..", "org.apache.arrow..", "org.apache.hadoop..", "scala.."
  };

  /// Process-wide counts that nothing is computed from: decision 002.
  private static final Set<String> COUNTERS =
      Set.of("tensor.NativeArena.ALL_BYTES", "runtime.ModelHandle.LOADS");

  /// A rule and who breaks it on purpose.
  ///
  /// @param name what it says, in a few words
  /// @param rule what checks it
  /// @param offender the planted class that breaks it, relative to the planted root
  record Rule(String name, ArchRule rule, String offender) {
    @Override
    public String toString() {
      return name;
    }
  }

  private final String root;

  /// Rules about the packages below `root`.
  Rules(String root) {
    this.root = root;
  }

  List<Rule> all() {
    return List.of(
        new Rule("packages import along the arrows", arrows(), "tensor.KnowsBackend"),
        new Rule("packages form no cycles", noCycles(), "tensor.KnowsBackend"),
        new Rule("Spark stays above the runtime", spark(), "engine.KnowsSpark"),
        new Rule("kernels and models need the JDK alone", plainJava(), "model.KnowsJson"),
        new Rule("the Vector API stays in backend.cpu", vectors(), "engine.UsesVectors"),
        new Rule("native code stays in ffi", nativeCalls(), "tensor.CallsNative"),
        new Rule("no native methods", nativeMethods(), "tensor.CallsNative"),
        new Rule("the tokenizer library stays in text.ffi", tokenizerLibrary(), "text.KnowsDjl"),
        new Rule(
            "the template library stays in text.jinja", templateLibrary(), "text.KnowsJinjava"),
        new Rule("text alone sees text.ffi", onlySeenBy("text.ffi", "text"), "cli.KnowsInside"),
        new Rule("text alone sees text.jinja", onlySeenBy("text.jinja", "text"), "cli.KnowsInside"),
        new Rule(
            "commands alone see cli.bench",
            onlySeenBy("cli.bench", "cli", "cli.gpu", "cli.spark"),
            "runtime.KnowsBench"),
        new Rule("nobody imports backend.cpu", onlySeenBy("backend.cpu"), "runtime.KnowsCpu"),
        new Rule("nobody imports backend.cuda", onlySeenBy("backend.cuda"), "runtime.KnowsCuda"),
        new Rule(
            "backend.cuda alone sees backend.cuda.ffi",
            onlySeenBy("backend.cuda.ffi", "backend.cuda"),
            "runtime.KnowsCuda"),
        new Rule("Probe lives in backend", probe(), "model.Probe"),
        new Rule(
            "only the entry point, and an executor whose device is lost, exit",
            exits(),
            "cli.Exits"),
        new Rule("static state only in ExecutorEngines", staticFields(), "engine.StaticState"),
        new Rule("no mutable constants", mutableConstants(), "engine.StaticState"),
        new Rule("commands stay in cli", picocli(), "runtime.KnowsPicocli"),
        new Rule("packages are null-marked", nullMarked(), "unmarked.Unmarked"));
  }

  private String[] within(String... packages) {
    return Arrays.stream(packages).map(name -> root + "." + name).toArray(String[]::new);
  }

  private boolean isOurs(JavaClass type) {
    return type.getPackageName().startsWith(root + ".");
  }

  private String packageOf(JavaClass type) {
    return type.getPackageName().substring(root.length() + 1);
  }

  private ArchRule arrows() {
    return classes()
        .that()
        .resideInAPackage(root + "..")
        .should(
            new ArchCondition<>("import what their package may know") {
              @Override
              public void check(JavaClass type, ConditionEvents events) {
                for (Dependency dependency : type.getDirectDependenciesFromSelf()) {
                  JavaClass target = dependency.getTargetClass().getBaseComponentType();
                  boolean allowed =
                      !isOurs(target) || Arrows.allows(packageOf(type), packageOf(target));
                  events.add(new SimpleConditionEvent(type, allowed, dependency.getDescription()));
                }
              }
            });
  }

  private ArchRule noCycles() {
    return slices().matching(root + ".(**)").should().beFreeOfCycles();
  }

  private ArchRule spark() {
    return noClasses()
        .that()
        .resideOutsideOfPackages(
            within("plugin..", "rows..", "sql..", "udfs..", "examples..", "cli.spark.."))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(SPARK);
  }

  /// Engines log; the CPU backend asks for the machine's memory.
  private ArchRule plainJava() {
    return classes()
        .that()
        .resideInAnyPackage(within("error", "tensor", "backend..", "model", "engine"))
        .should()
        .onlyDependOnClassesThat(
            resideInAnyPackage(
                root + "..",
                "java..",
                "jdk.incubator.vector..",
                "com.sun.management..",
                "org.jspecify..",
                "org.slf4j.."));
  }

  private ArchRule vectors() {
    return noClasses()
        .that()
        .resideOutsideOfPackage(root + ".backend.cpu")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("jdk.incubator.vector..");
  }

  /// What `-Xlint:restricted` warns of, and a suppression of that warning does not hide from here.
  private ArchRule nativeCalls() {
    Map<String, String> restricted =
        Map.of(
            "java.lang.foreign.Linker", ".*",
            "java.lang.foreign.SymbolLookup", ".*",
            "java.lang.foreign.MemorySegment", "reinterpret",
            "java.lang.foreign.AddressLayout", "withTargetLayout",
            "java.lang.ModuleLayer$Controller", "enableNativeAccess",
            "java.lang.System", "load|loadLibrary",
            "java.lang.Runtime", "load|loadLibrary");
    return noClasses()
        .that()
        .resideOutsideOfPackage(root + "..ffi")
        .should()
        .callCodeUnitWhere(calls(restricted));
  }

  private static DescribedPredicate<JavaCall<?>> calls(Map<String, String> methodsByOwner) {
    return new DescribedPredicate<>("it is one of %s", methodsByOwner) {
      @Override
      public boolean test(JavaCall<?> call) {
        String methods = methodsByOwner.get(call.getTargetOwner().getName());
        return methods != null && call.getTarget().getName().matches(methods);
      }
    };
  }

  private ArchRule nativeMethods() {
    return methods()
        .that()
        .areDeclaredInClassesThat()
        .resideInAPackage(root + "..")
        .should()
        .notHaveModifier(JavaModifier.NATIVE);
  }

  private ArchRule tokenizerLibrary() {
    return noClasses()
        .that()
        .resideOutsideOfPackage(root + ".text.ffi")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("ai.djl..");
  }

  private ArchRule templateLibrary() {
    return noClasses()
        .that()
        .resideOutsideOfPackage(root + ".text.jinja")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("com.hubspot..");
  }

  private ArchRule onlySeenBy(String inside, String... readers) {
    String[] allowed = Arrays.copyOf(within(readers), readers.length + 1);
    allowed[readers.length] = root + "." + inside;
    return classes()
        .that()
        .resideInAPackage(root + "." + inside)
        .should()
        .onlyHaveDependentClassesThat(resideInAnyPackage(allowed));
  }

  private ArchRule probe() {
    return classes().that().haveSimpleName("Probe").should().resideInAPackage(root + ".backend");
  }

  private ArchRule exits() {
    return noClasses()
        .that()
        .doNotHaveFullyQualifiedName(root + ".cli.spark.Main")
        .and()
        // CUDA gives a lost device back to a new process alone.
        .doNotHaveFullyQualifiedName(root + ".plugin.LostDevice")
        .should()
        .callCodeUnitWhere(
            calls(Map.of("java.lang.System", "exit", "java.lang.Runtime", "exit|halt")));
  }

  private ArchRule staticFields() {
    return fields()
        .that()
        .areStatic()
        .and()
        .areDeclaredInClassesThat()
        .doNotHaveFullyQualifiedName(root + ".plugin.ExecutorEngines")
        .should()
        .beFinal();
  }

  private ArchRule mutableConstants() {
    DescribedPredicate<JavaClass> mutable =
        DescribedPredicate.or(
            resideInAnyPackage("java.util.concurrent.."),
            assignableTo(ThreadLocal.class),
            assignableTo(StringBuilder.class),
            assignableTo(Collection.class).and(inJavaUtil()),
            assignableTo(Map.class).and(inJavaUtil()));
    return noFields()
        .that()
        .areStatic()
        .and(
            DescribedPredicate.<JavaField>describe(
                "are no counters",
                field -> !COUNTERS.contains(field.getFullName().substring(root.length() + 1))))
        .should()
        .haveRawType(mutable);
  }

  /// Concrete collections; behind an interface stands what `of` and `copyOf` give.
  private static DescribedPredicate<JavaClass> inJavaUtil() {
    return resideInAnyPackage("java.util")
        .and(DescribedPredicate.not(JavaClass.Predicates.INTERFACES));
  }

  private ArchRule picocli() {
    return noClasses()
        .that()
        .resideOutsideOfPackages(within("cli", "cli.spark"))
        .should()
        .dependOnClassesThat()
        .resideInAPackage("picocli..");
  }

  private ArchRule nullMarked() {
    return classes()
        .that()
        .resideInAPackage(root + "..")
        .should(
            new ArchCondition<>("lie in a package that is @NullMarked") {
              @Override
              public void check(JavaClass type, ConditionEvents events) {
                boolean marked = type.getPackage().isAnnotatedWith(NullMarked.class);
                events.add(
                    new SimpleConditionEvent(
                        type, marked, type.getName() + " lies in a package that is not marked"));
              }
            });
  }
}

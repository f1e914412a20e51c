package io.sparkllama4.cubins;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sparkllama4.backend.cuda.KernelTarget;
import io.sparkllama4.cubins.ffi.Nvrtc;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// What needs the compiler: that the archive is what the sources give, and that instructions are
/// recognised, in kernels that are known to have them.
@Tag("nvrtc")
class NvrtcTest {
  private static final Path LIBRARIES = Path.of(System.getProperty("sparkllama4.nvrtc"));

  private static final String SAMPLES =
      """
      #define COPY(NAME, SIZE, CACHE) \\
        extern "C" __global__ void NAME(const char* in, int* out) { \\
          __shared__ __align__(16) int words[512]; \\
          unsigned to = (unsigned)__cvta_generic_to_shared(words) + threadIdx.x * 16; \\
          asm volatile("cp.async." CACHE ".shared.global [%0], [%1], " SIZE ";" \\
              ::"r"(to), "l"(in + threadIdx.x * 16)); \\
          asm volatile("cp.async.wait_all;"); \\
          __syncthreads(); \\
          out[threadIdx.x] = words[threadIdx.x ^ 5]; \\
        }
      COPY(copy4, "4", "ca")
      COPY(copy8, "8", "ca")
      COPY(copy16, "16", "cg")
      #define MOVE(NAME, TYPE) \\
        extern "C" __global__ void __launch_bounds__(96) NAME(const TYPE* in, TYPE* out) { \\
          out[threadIdx.x] = in[threadIdx.x]; \\
        }
      MOVE(move1, char)
      MOVE(move2, short)
      MOVE(move4, int)
      MOVE(move8, int2)
      MOVE(move16, int4)
      extern "C" __global__ void constant16(const int4* in, int4* out) {
        out[threadIdx.x] = __ldg(in + threadIdx.x);
      }
      extern "C" __global__ void product(unsigned* x) {
        float c[4] = {0, 0, 0, 0};
        unsigned a = x[threadIdx.x];
        asm volatile(
            "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, "
            "{%4, %4, %4, %4}, {%4, %4}, {%0, %1, %2, %3};"
            : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]) : "r"(a));
        x[threadIdx.x] = c[0] + c[1] + c[2] + c[3];
      }
      extern "C" __global__ void fragments(unsigned* x) {
        __shared__ __align__(16) unsigned words[128];
        words[threadIdx.x] = x[threadIdx.x];
        __syncthreads();
        unsigned r[4];
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
            : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
            : "r"((unsigned)__cvta_generic_to_shared(words) + threadIdx.x * 16));
        x[threadIdx.x] = r[0] + r[1] + r[2] + r[3];
      }
      extern "C" __global__ void computedIndex(float* x, int n) {
        float a[64];
        for (int i = 0; i < 64; i++) a[i] = x[i];
        for (int i = 0; i < n; i++) a[i * 7 & 63] += a[i * n & 63];
        for (int i = 0; i < 64; i++) x[i] = a[i];
      }
      extern "C" __global__ void __launch_bounds__(1024) tooManyValues(float* x, int n) {
        float a[128];
      #pragma unroll
        for (int i = 0; i < 128; i++) a[i] = x[i * 1024 + threadIdx.x];
        for (int k = 0; k < n; k++) {
      #pragma unroll
          for (int i = 0; i < 128; i++) a[i] = a[i] * a[(i + 37) & 127] + x[k];
        }
      #pragma unroll
        for (int i = 0; i < 128; i++) x[i * 1024 + threadIdx.x] = a[i];
      }
      """;

  private static Nvrtc nvrtc;
  private static KernelCompiler compiler;

  @BeforeAll
  static void load() throws IOException {
    nvrtc = new Nvrtc(LIBRARIES);
    compiler = new KernelCompiler(nvrtc);
  }

  @AfterAll
  static void unload() {
    nvrtc.close();
  }

  @Test
  void archiveIsWhatTheSourcesGive() throws IOException {
    SortedMap<String, byte[]> compiled = compiler.compile(KernelSources.of(Project.ROOT));
    SortedMap<String, byte[]> committed = Project.archive().entries();

    assertThat(committed).as(Project.RENEW).containsOnlyKeys(compiled.keySet());
    compiled.forEach(
        (name, image) ->
            assertThat(committed.get(name)).as("%s: %s", name, Project.RENEW).isEqualTo(image));
  }

  @ParameterizedTest
  @EnumSource(names = {"SM_80", "SM_90", "SM_100"})
  void instructionsOfKnownKernelsAreRecognised(KernelTarget target) {
    Nvrtc.Result result = compiler.compile("samples.cu", SAMPLES, Map.of(), target);
    Cubin cubin = new Cubin(result.image());
    Map<String, CompilerLog.Usage> usages = CompilerLog.kernels(result.log());

    assertThat("sm_" + cubin.architecture()).isEqualTo(target.architecture());
    assertThat(counts(cubin, "copy4")).containsEntry("LDGSTS.32", 1).containsKey("LDS.32");
    assertThat(counts(cubin, "copy8")).containsEntry("LDGSTS.64", 1);
    assertThat(counts(cubin, "copy16")).containsEntry("LDGSTS.128", 1).doesNotContainKey("LDG.128");
    assertThat(counts(cubin, "move1")).containsOnlyKeys("LDG.U8", "STG.U8");
    assertThat(counts(cubin, "move2")).containsOnlyKeys("LDG.U16", "STG.U16");
    assertThat(counts(cubin, "move4")).containsOnlyKeys("LDG.32", "STG.32");
    assertThat(counts(cubin, "move8")).containsOnlyKeys("LDG.64", "STG.64");
    assertThat(counts(cubin, "move16")).containsOnlyKeys("LDG.128", "STG.128");
    assertThat(counts(cubin, "constant16")).containsOnlyKeys("LDG.128", "STG.128");
    assertThat(counts(cubin, "product")).containsEntry("HMMA", 1);
    assertThat(counts(cubin, "fragments")).containsEntry("LDSM", 1).containsEntry("STS.32", 1);
    assertThat(cubin.kernel("move16").instructions().localAccesses()).isZero();
    for (String local : new String[] {"computedIndex", "tooManyValues"}) {
      assertThat(counts(cubin, local).keySet()).anyMatch(name -> name.startsWith("LDL."));
      assertThat(counts(cubin, local).keySet()).anyMatch(name -> name.startsWith("STL."));
    }
    assertThat(usage(usages, "computedIndex").stackBytes()).isEqualTo(256);
    assertThat(usage(usages, "computedIndex").spilledBytes()).isZero();
    assertThat(usage(usages, "tooManyValues").spilledBytes()).isGreaterThan(1000);
    usages.forEach(
        (name, usage) -> {
          assertThat(cubin.kernel(name).registers()).as(name).isEqualTo(usage.registers());
          assertThat(cubin.kernel(name).sharedBytes()).as(name).isEqualTo(usage.sharedBytes());
        });
    assertThat(cubin.kernel("copy4").sharedBytes()).isEqualTo(2048);
    assertThat(cubin.kernel("move4").threads()).isEqualTo(96);
    assertThat(cubin.kernel("tooManyValues").threads()).isEqualTo(1024);
    assertThat(cubin.kernel("product").threads()).isEqualTo(1024);
  }

  private static CompilerLog.Usage usage(Map<String, CompilerLog.Usage> usages, String kernel) {
    return Objects.requireNonNull(usages.get(kernel), kernel);
  }

  private static SortedMap<String, Integer> counts(Cubin cubin, String kernel) {
    return cubin.kernel(kernel).instructions().counts();
  }

  @ParameterizedTest
  @EnumSource
  void warningsAndErrorsFailWithTheCompilersWords(KernelTarget target) {
    for (String source :
        new String[] {
          "extern \"C\" __global__ void f(int* x) { x[0] = 1 << 70; }",
          "extern \"C\" __global__ void f(int* x) { x[0] = y; }"
        }) {
      assertThatThrownBy(() -> compiler.compile("bad.cu", source, Map.of(), target))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("bad.cu(1)")
          .hasMessageContaining(target.architecture());
    }
  }

  @Test
  void headersAreFoundByName() {
    Map<String, String> headers =
        Map.of("a.cuh", "#include \"b.cuh\"\n", "b.cuh", "typedef int t;");
    Nvrtc.Result result =
        compiler.compile(
            "k.cu",
            "#include \"a.cuh\"\nextern \"C\" __global__ void f(t* x) { *x = 1; }",
            headers,
            KernelTarget.COMPUTE_80);
    assertThat(result.image()).endsWith(0).asString().contains(".visible .entry f(");
  }

  @Test
  void missingLibraryIsNamed(@TempDir Path empty) {
    assertThatThrownBy(() -> new Nvrtc(empty))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("libnvrtc")
        .hasMessageContaining("bin/cuda-kernels");
  }
}

package io.sparkllama4.cubins;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class CompilerLogTest {
  private static final String LOG =
      """
      ptxas info    : 0 bytes gmem
      ptxas info    : Compiling entry function 'two' for 'sm_90'
      ptxas info    : Function properties for two
      ptxas         .     16 bytes stack frame, 8 bytes spill stores, 4 bytes spill loads
      ptxas info    : Function properties for called
      ptxas         .     32 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
      ptxas info    : Used 64 registers, used 1 barriers, 48 bytes cumulative stack size
      ptxas info    : Compiling entry function 'one' for 'sm_90'
      ptxas info    : Function properties for one
      ptxas         .     0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
      ptxas info    : Used 32 registers, used 1 barriers, 512 bytes smem
      ptxas info    : Compile time = 2.253 ms
      """;

  @Test
  void figuresOfKernels() {
    assertThat(CompilerLog.kernels(LOG))
        .hasSize(2)
        .containsEntry("one", new CompilerLog.Usage(32, 512, 0, 0))
        .containsEntry("two", new CompilerLog.Usage(64, 0, 48, 12));
    assertThat(CompilerLog.complaints(LOG)).isEmpty();
  }

  @Test
  void warningsAreComplaints() {
    String warning = "a.cu(1): warning #63-D: shift count is too large";
    assertThat(CompilerLog.complaints(warning + "\n" + LOG)).isEqualTo(warning);
    assertThat(CompilerLog.complaints(LOG + "ptxas warning : Registers are spilled\n"))
        .isEqualTo("ptxas warning : Registers are spilled");
  }
}

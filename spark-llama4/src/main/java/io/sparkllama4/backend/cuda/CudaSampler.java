package io.sparkllama4.backend.cuda;

import io.sparkllama4.backend.SampleResult;
import io.sparkllama4.backend.SampleRow;
import io.sparkllama4.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

final class CudaSampler implements AutoCloseable {
  private final CudaStream stream;

  CudaSampler(KernelSet kernels, CudaStream stream, Scratch scratch) {
    this.stream = stream;
  }

  List<SampleResult> sample(Tensor logits, List<SampleRow> rows) {
    List<SampleResult> results = new ArrayList<>();
    int v = (int) logits.rowElements();
    try (Readback rb = new Readback(stream, logits.data().byteSize())) {
      MemorySegment s = rb.read(logits.data().address(), logits.data().byteSize());
      for (int r = 0; r < rows.size(); r++) {
        float[] x = s.asSlice(4L * r * v, 4L * v).toArray(ValueLayout.JAVA_FLOAT);
        Integer[] order = new Integer[v];
        for (int i = 0; i < v; i++) order[i] = i;
        java.util.Arrays.sort(order, (a, b) -> x[a] == x[b] ? a - b : Float.compare(x[b], x[a]));
        double sum = 0;
        for (float f : x) sum += Math.exp(f - (double) x[order[0]]);
        double lse = x[order[0]] + Math.log(sum);
        SampleRow row = rows.get(r);
        int[] targets = row.targets().length == 0 ? new int[] {order[0]} : row.targets();
        int k = Math.max(0, row.alternatives());
        int[] ids = new int[k];
        float[] lps = new float[k];
        for (int i = 0; i < k; i++) {
          ids[i] = order[i];
          lps[i] = (float) (x[order[i]] - lse);
        }
        float[] lp = new float[row.alternatives() < 0 ? 0 : targets.length];
        for (int i = 0; i < lp.length; i++) lp[i] = (float) (x[targets[i]] - lse);
        results.add(new SampleResult(order[0], lp, ids, lps));
      }
    }
    return results;
  }

  @Override
  public void close() {}
}

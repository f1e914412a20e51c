package io.sparkllama4.golden;

import static org.assertj.core.api.Assertions.assertThat;

import io.sparkllama4.backend.AttentionSpec;
import io.sparkllama4.backend.Probe;
import io.sparkllama4.backend.Routing;
import io.sparkllama4.backend.Span;
import io.sparkllama4.model.RankShare;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.Shape;
import io.sparkllama4.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// What every rank sees of a step: the same to the last bit, but for queries, keys and values, of
/// which each has its heads.
final class RankProbes {
  private final List<RankShare> shares;
  private final List<Map<String, Rows>> rows = new ArrayList<>();
  private final List<Map<String, Choices>> choices = new ArrayList<>();

  /// An intermediate, copied.
  @SuppressWarnings("ArrayRecordComponent") // Nobody compares these as records.
  private record Rows(int width, float[] values) {
    int count() {
      return values.length / width;
    }
  }

  /// A routing, copied.
  @SuppressWarnings("ArrayRecordComponent") // Nobody compares these as records.
  private record Choices(int[] experts, float[] scores) implements Routing {}

  RankProbes(List<RankShare> shares) {
    this.shares = shares;
    for (int rank = 0; rank < shares.size(); rank++) {
      rows.add(new LinkedHashMap<>());
      choices.add(new LinkedHashMap<>());
    }
  }

  private static <T> T of(List<Map<String, T>> seen, int rank, String name) {
    T found = seen.get(rank).get(name);
    if (found == null) {
      throw new AssertionError("Rank " + rank + " has not seen " + name);
    }
    return found;
  }

  /// The probe of one rank, used from its thread.
  Probe of(int rank) {
    return new Probe() {
      @Override
      public void see(String name, Tensor value) {
        float[] values = new float[(int) value.shape().elements()];
        for (int i = 0; i < values.length; i++) {
          values[i] = value.at(i);
        }
        rows.get(rank).put(name, new Rows((int) value.rowElements(), values));
      }

      @Override
      public void see(String name, Routing routing) {
        choices.get(rank).put(name, new Choices(routing.experts(), routing.scores()));
      }
    };
  }

  /// Shows what the ranks have made together.
  void show(Probe probe) {
    choices
        .getFirst()
        .forEach(
            (name, first) -> {
              for (int rank = 1; rank < choices.size(); rank++) {
                Choices other = of(choices, rank, name);
                assertThat(other.experts()).as(name).isEqualTo(first.experts());
                assertThat(other.scores()).as(name).isEqualTo(first.scores());
              }
              probe.see(name, first);
            });
    rows.getFirst()
        .forEach(
            (name, first) -> {
              Rows whole = name.matches("layers\\.\\d+\\.[qkv]") ? gathered(name) : same(name);
              assertThat(whole.count()).isEqualTo(first.count());
              probe.see(
                  name,
                  new Tensor(
                      DType.F32,
                      Shape.of(whole.count(), whole.width()),
                      MemorySegment.ofArray(whole.values())));
            });
  }

  private Rows same(String name) {
    Rows first = of(rows, 0, name);
    for (int rank = 1; rank < rows.size(); rank++) {
      if (!name.equals("logits")) {
        assertThat(of(rows, rank, name).values())
            .as("%s on rank %d", name, rank)
            .isEqualTo(first.values());
      }
    }
    return first;
  }

  private Rows gathered(String name) {
    String[] parts = name.split("\\.", -1);
    AttentionSpec all =
        shares.getFirst().whole().layers().get(Integer.parseInt(parts[1])).attention();
    boolean isQuery = parts[2].equals("q");
    int width = isQuery ? all.queryWidth() : all.kvWidth();
    int count = of(rows, 0, name).count();
    float[] values = new float[count * width];
    Arrays.fill(values, Float.NaN);
    for (RankShare share : shares) {
      Span heads = isQuery ? share.queryHeads(all) : share.kvHeads(all);
      Span columns = heads.times(all.headDim());
      Rows part = of(rows, share.rank(), name);
      assertThat(part.width()).as("%s on rank %d", name, share.rank()).isEqualTo(columns.count());
      for (int row = 0; row < count; row++) {
        for (int i = 0; i < columns.count(); i++) {
          int at = row * width + columns.first() + i;
          float value = part.values()[row * columns.count() + i];
          // Ranks with the same key head have the same keys.
          assertThat(value).isEqualTo(Float.isNaN(values[at]) ? value : values[at]);
          values[at] = value;
        }
      }
    }
    return new Rows(width, values);
  }
}

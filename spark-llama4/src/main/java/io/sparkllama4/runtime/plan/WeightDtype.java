package io.sparkllama4.runtime.plan;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import java.util.Arrays;
import java.util.stream.Collectors;

/// The forms of a model's weights that are planned with, the widest first.
public enum WeightDtype {
  /// Everything in 2 bytes.
  BF16("bf16", Storage.BF16, Storage.BF16, Storage.BF16, Storage.BF16),
  /// Layers in 8-bit floats with a scale per output, head and embedding in bf16.
  FP8("fp8", Storage.EIGHT_BITS, Storage.EIGHT_BITS, Storage.BF16, Storage.BF16),
  /// Experts, shared experts and dense layers in 4 bits; attention, head and embedding in bf16.
  INT4("int4", Storage.FOUR_BITS, Storage.BF16, Storage.BF16, Storage.BF16),
  /// Attention in 4 bits too, the head in 8, the embedding in the host's memory.
  INT4_ALL("int4-all", Storage.FOUR_BITS, Storage.FOUR_BITS, Storage.EIGHT_BITS, Storage.HOST);

  private final String label;
  private final Storage networks;
  private final Storage attention;
  private final Storage head;
  private final Storage embedding;

  WeightDtype(String label, Storage networks, Storage attention, Storage head, Storage embedding) {
    this.label = label;
    this.networks = networks;
    this.attention = attention;
    this.head = head;
    this.embedding = embedding;
  }

  /// The form of that name.
  ///
  /// @throws io.sparkllama4.error.Llama4Exception with INVALID_OPTION and the names
  public static WeightDtype named(String name) {
    for (WeightDtype dtype : values()) {
      if (dtype.label.equals(name)) {
        return dtype;
      }
    }
    String names = Arrays.stream(values()).map(d -> d.label).collect(Collectors.joining(", "));
    throw ErrorReport.of(ErrorCode.INVALID_OPTION, "Cannot plan weights of type [" + name + "]")
        .found(name, names)
        .key("--dtype")
        .exception();
  }

  /// The name in options and documents.
  public String label() {
    return label;
  }

  /// How experts, shared experts and dense layers are kept.
  Storage networks() {
    return networks;
  }

  Storage attention() {
    return attention;
  }

  Storage head() {
    return head;
  }

  Storage embedding() {
    return embedding;
  }

  /// Products and sums per second that `type` reaches with these weights: 4 bits are widened to
  /// bf16, and so are 8-bit floats where the card cannot multiply them.
  double flops(GpuType type) {
    return this == FP8 && type.computesFp8() ? type.fp8Flops() : type.bf16Flops();
  }
}

package io.sparkllama4.runtime.plan;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The GPUs that share one copy of a model.
///
/// @param type the card
/// @param count how many
public record Gpus(GpuType type, int count) {
  /// More never share a model here: it would lie on several hosts.
  public static final int MOST = 64;

  /// The share of a card's memory that is planned with: the rest is the driver's, and what
  /// allocations lose at their edges.
  private static final double USABLE = 0.94;

  private static final Pattern FORM = Pattern.compile("([0-9]{1,9})x(.+)");

  /// @throws io.sparkllama4.error.Llama4Exception with INVALID_OPTION
  public Gpus {
    if (count < 1 || count > MOST) {
      throw ErrorReport.of(ErrorCode.INVALID_OPTION, "Cannot plan for [" + count + "] GPUs")
          .found(count, "1 to " + MOST)
          .key("--gpus")
          .exception();
    }
  }

  /// Reads `8xH100`.
  ///
  /// @throws io.sparkllama4.error.Llama4Exception with INVALID_OPTION
  public static Gpus parse(String text) {
    Matcher parts = FORM.matcher(text);
    if (!parts.matches()) {
      throw ErrorReport.of(ErrorCode.INVALID_OPTION, "Cannot read [" + text + "] as GPUs")
          .found(text, "COUNTxNAME as 1xH100; names: " + GpuType.names())
          .key("--gpus")
          .exception();
    }
    return new Gpus(GpuType.named(parts.group(2)), Integer.parseInt(parts.group(1)));
  }

  /// The same cards, but `other` of them.
  Gpus withCount(int other) {
    return new Gpus(type, other);
  }

  /// Memory of one card that is planned with, in bytes.
  public long usableBytes() {
    return (long) Math.floor(type.memoryBytes() * USABLE);
  }

  /// The form that [#parse] reads.
  @Override
  public String toString() {
    return count + "x" + type;
  }
}

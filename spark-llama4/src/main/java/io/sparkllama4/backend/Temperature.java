package io.sparkllama4.backend;

/// How queries of layers without rope grow with their position, so that attention over long
/// contexts stays sharp: `s(p) = 1 + scale * ln(floor((p + 1) / floorScale) + 1)`.
///
/// @param floorScale positions that share one factor, above 0
/// @param scale strength; 0 leaves queries alone
public record Temperature(double floorScale, double scale) {
  /// Queries stay as they are.
  public static final Temperature NONE = new Temperature(1, 0);

  /// True where queries are scaled.
  public boolean isActive() {
    return scale != 0;
  }

  /// The factor of the query at `position`, counted from 0; in float32, as the reference computes
  /// it.
  public float factor(int position) {
    float steps = (float) Math.floor((position + 1f) / (float) floorScale);
    return (float) Math.log1p(steps) * (float) scale + 1f;
  }
}

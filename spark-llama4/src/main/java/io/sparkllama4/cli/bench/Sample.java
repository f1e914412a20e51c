package io.sparkllama4.cli.bench;

/// One run of a case.
///
/// @param tokens those that its speed is counted in
/// @param seconds how long it took
/// @param flops floating-point operations of matrices, in all
/// @param bytes bytes of weights that had to be read, in all; 0 where nobody counted
record Sample(double tokens, double seconds, double flops, double bytes) {
  double tokensPerSecond() {
    return tokens / seconds;
  }

  double flopsPerToken() {
    return flops / tokens;
  }

  double bytesPerToken() {
    return bytes / tokens;
  }
}

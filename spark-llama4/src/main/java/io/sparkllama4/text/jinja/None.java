package io.sparkllama4.text.jinja;

/// Python's `None`.
enum None {
  NONE
}

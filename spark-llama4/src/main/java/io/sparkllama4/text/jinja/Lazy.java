package io.sparkllama4.text.jinja;

import java.util.Iterator;

/// Python's generator, as filters like `map` and `select` give: it can be gone through once, has no
/// length, and is true however few it holds.
///
/// @param name what Python calls it
/// @param items what is still to come
record Lazy(String name, Iterator<Object> items) {}

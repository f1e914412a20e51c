package io.sparkllama4.text.jinja;

import java.util.List;

/// What `keys`, `values` and `items` of a dict give.
///
/// @param name Python's name of the view
/// @param items what it shows
record DictView(String name, List<Object> items) {}

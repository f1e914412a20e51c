package io.sparkllama4.weights;

/// The sizes of Llama 4's image encoder, as `vision_config` gives them.
///
/// @param hidden elements of a patch's state
/// @param intermediate hidden elements of a layer's network
/// @param layers number of layers
/// @param patches patches of a tile
/// @param patchElements numbers in a patch: channels, height and width
/// @param shuffled elements of a state after the pixel shuffle
/// @param adapterInput outputs of the adapter's first matrix
/// @param adapterOutput outputs of its second
/// @param projected elements that the projector takes
record VisionConfig(
    long hidden,
    long intermediate,
    long layers,
    long patches,
    long patchElements,
    long shuffled,
    long adapterInput,
    long adapterOutput,
    long projected) {

  static VisionConfig read(ConfigNode config) {
    int image = config.size("image_size");
    int patch = config.size("patch_size");
    if (image % patch != 0) {
      throw config.invalid("patch_size", "a divisor of image_size, " + image);
    }
    long side = image / patch;
    long hidden = config.size("hidden_size");
    double ratio = config.positive("pixel_shuffle_ratio", 0.5);
    return new VisionConfig(
        hidden,
        config.size("intermediate_size"),
        config.size("num_hidden_layers"),
        side * side,
        (long) config.count("num_channels", 3) * patch * patch,
        Math.round(hidden / (ratio * ratio)),
        config.size("projector_input_dim"),
        config.size("projector_output_dim"),
        config.size("vision_output_dim"));
  }

  /// Weights of the encoder, its adapter and the projector into a text model of `textHidden`.
  long parameters(long textHidden) {
    long norm = 2 * hidden;
    long attention = 4 * (hidden * hidden + hidden);
    long network = 2 * intermediate * hidden + intermediate + hidden;
    long embeddings = patchElements * hidden + hidden + (patches + 1) * hidden;
    long adapter = shuffled * adapterInput + adapterInput * adapterOutput;
    return embeddings
        + 2 * norm
        + layers * (attention + network + 2 * norm)
        + adapter
        + projected * textHidden;
  }
}

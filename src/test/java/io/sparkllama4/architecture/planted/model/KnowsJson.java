package io.sparkllama4.architecture.planted.model;

import com.fasterxml.jackson.databind.JsonNode;

/// A file format in the model.
public record KnowsJson(JsonNode config) {}

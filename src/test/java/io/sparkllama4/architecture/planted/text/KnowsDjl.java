package io.sparkllama4.architecture.planted.text;

import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;

/// The tokenizer library outside of the package that loads it.
public record KnowsDjl(TokenizersLibrary library) {}

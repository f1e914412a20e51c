package io.sparkllama4.text;

/// A token that is found in text as a whole, before anything else is.
///
/// @param id its id
/// @param content its text
/// @param special whether it controls the model and is left out of an answer's text
/// @param singleWord whether it counts only where no letter touches it
/// @param takesLeft whether white space in front of it goes with it
/// @param takesRight whether white space behind it goes with it
public record AddedToken(
    int id,
    String content,
    boolean special,
    boolean singleWord,
    boolean takesLeft,
    boolean takesRight) {}

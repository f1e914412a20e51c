/// Model calls in query plans: found wherever they stand, lifted out of expressions, answered by
/// one operator.
///
/// Read in this order: [ModelCall] (a call as an expression) with [ModelCallBuilder] (from a
/// function's arguments, with [MixedOptionMaps]), [CallChecks] (what analysis refuses),
/// [ExtractInference] with [LiftedCalls], [Guards], [CallsInAggregates] and [CallsInJoins] (from
/// expressions to an operator), [DeferInference] (behind limits and sorts), [AnswerOnce],
/// [Inference] and [InferenceExec] (the operator), [InferenceStrategy], [ReadColumns], [Conditions]
/// (errors as
/// Spark knows them), [ScalaInterop]. This package may know Catalyst and the rows package; what a
/// call computes, it does not know.
@NullMarked
package io.sparkllama4.sql;

import org.jspecify.annotations.NullMarked;

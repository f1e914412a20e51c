/// Queries drawn at random, as SQL text: a tree of pieces, what draws one, and what makes a failing
/// one small.
///
/// Nothing here knows Spark: the queries are Spark SQL over the tables that [PlanTables] names, and
/// are run by the test `RandomPlansTest`.
@NullMarked
package io.sparkllama4.plans;

import org.jspecify.annotations.NullMarked;

package io.sparkllama4.spark;

import java.util.List;

/// Settings of the session that change how a plan is run and may not change what it gives.
///
/// @param settings what has been set
record PlanSettings(List<Application.Setting> settings) implements AutoCloseable {
  /// How many there are.
  static final int COMBINATIONS = 8;

  /// The settings with this number, modulo [#COMBINATIONS]: adaptive execution, code generation for
  /// whole stages, and broadcast joins (without them joins are shuffled and sorted), on and off.
  static PlanSettings of(Application spark, int number) {
    return new PlanSettings(
        List.of(
            spark.setting("spark.sql.adaptive.enabled", String.valueOf((number & 1) == 0)),
            spark.setting("spark.sql.codegen.wholeStage", String.valueOf((number & 2) == 0)),
            spark.setting(
                "spark.sql.autoBroadcastJoinThreshold", (number & 4) == 0 ? "10MB" : "-1")));
  }

  /// Those that run small tables quickest.
  static PlanSettings quickest(Application spark) {
    return of(spark, 3);
  }

  @Override
  public void close() {
    settings.forEach(Application.Setting::close);
  }
}

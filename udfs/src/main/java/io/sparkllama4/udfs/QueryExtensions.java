package io.sparkllama4.udfs;

import io.sparkllama4.rows.CallKind;
import io.sparkllama4.sql.AnswerOnce;
import io.sparkllama4.sql.CallChecks;
import io.sparkllama4.sql.DeferInference;
import io.sparkllama4.sql.ExtractInference;
import io.sparkllama4.sql.InferenceStrategy;
import io.sparkllama4.sql.MixedOptionMaps;
import io.sparkllama4.sql.ReadColumns;
import io.sparkllama4.sql.TakeOptionsApart;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.sql.SparkSessionExtensions;
import scala.runtime.AbstractFunction1;
import scala.runtime.BoxedUnit;

/// The functions, and the rules that plan them. [Llama4Extensions], the name in
/// `spark.sql.extensions`, hands over to it.
public final class QueryExtensions extends AbstractFunction1<SparkSessionExtensions, BoxedUnit> {
  @Override
  public BoxedUnit apply(SparkSessionExtensions extensions) {
    functions().forEach(function -> extensions.injectFunction(function.injected()));
    extensions.injectResolutionRule(session -> new MixedOptionMaps(names()));
    extensions.injectPostHocResolutionRule(session -> new TakeOptionsApart());
    extensions.injectCheckRule(session -> new CallChecks(session.sparkContext().getConf()));
    extensions.injectPreCBORule(session -> new ExtractInference());
    extensions.injectPreCBORule(session -> new DeferInference());
    extensions.injectPreCBORule(session -> new AnswerOnce());
    extensions.injectPlannerStrategy(session -> new InferenceStrategy());
    extensions.injectColumnar(session -> new ReadColumns());
    return BoxedUnit.UNIT;
  }

  /// All functions.
  static List<FunctionDescription> functions() {
    return Stream.of(GenerateFunctions.ALL, ScoreFunctions.ALL, TokenFunctions.ALL)
        .flatMap(List::stream)
        .toList();
  }

  private static Set<String> names() {
    return Arrays.stream(CallKind.values()).map(CallKind::function).collect(Collectors.toSet());
  }
}

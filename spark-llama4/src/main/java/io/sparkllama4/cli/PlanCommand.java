package io.sparkllama4.cli;

import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.Llama4Exception;
import io.sparkllama4.runtime.plan.GpuPlan;
import io.sparkllama4.runtime.plan.Gpus;
import io.sparkllama4.runtime.plan.KvDtype;
import io.sparkllama4.runtime.plan.PlanRequest;
import io.sparkllama4.runtime.plan.PlannedModel;
import io.sparkllama4.runtime.plan.WeightDtype;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `plan`: what fits on which GPUs, and the most that it could reach there. A plan that does not
/// fit is an answer like any other.
@Command(
    name = "plan",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Says what of a model fits on which GPUs, and the tokens per second that their memory and"
          + " arithmetic allow at most. Computed, not measured; needs neither weights nor a GPU."
    })
public final class PlanCommand implements Callable<Integer> {
  private final Console console;

  @Option(
      names = "--model",
      required = true,
      paramLabel = "DIR|scout|maverick|behemoth",
      description = "A directory with a config.json, or a published shape.")
  private String model = "";

  @Option(
      names = "--gpus",
      required = true,
      paramLabel = "COUNTxNAME",
      description = "The GPUs that share the model, as 1xH100.")
  private String gpus = "";

  @Option(
      names = "--dtype",
      paramLabel = "bf16|fp8|int4|int4-all",
      description =
          "Form of the weights; int4: experts, shared experts and dense layers; int4-all: attention"
              + " too, the head in 8 bits, the embedding on the host (default: ${DEFAULT-VALUE}).",
      defaultValue = "bf16")
  private String dtype = "";

  @Option(
      names = "--kv-dtype",
      paramLabel = "bf16|fp8",
      description = "Type of keys and values (default: ${DEFAULT-VALUE}).",
      defaultValue = "bf16")
  private String kvDtype = "";

  @Option(
      names = "--context",
      paramLabel = "N",
      description =
          "Tokens of a sequence, prompt and output together (default: 8192, or the model's longest"
              + " where that is shorter).")
  private @Nullable Integer context;

  @Option(
      names = "--workspace",
      paramLabel = "BYTES",
      description =
          "Memory of a GPU besides weights and KV cache, as 0 or 2g (default: an estimate).")
  private @Nullable String workspace;

  @Option(
      names = "--images",
      paramLabel = "on|off",
      description = "Whether the image encoder is loaded (default: ${DEFAULT-VALUE}).",
      defaultValue = "off")
  private String images = "";

  @Mixin private OutputOptions output = new OutputOptions();

  /// A command that answers on `console`.
  public PlanCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    OptionValues.requireOneOf("--images", images, "on", "off");
    GpuPlan plan = GpuPlan.of(request());
    if (output.json()) {
      console.document(PlanDocument.of(plan));
    } else {
      PlanText.lines(plan).forEach(console::line);
    }
    return 0;
  }

  private PlanRequest request() {
    OptionalLong bytes =
        workspace == null
            ? OptionalLong.empty()
            : OptionalLong.of(OptionValues.bytes("--workspace", workspace));
    try {
      return PlanRequest.of(
          PlannedModel.of(model),
          Gpus.parse(gpus),
          WeightDtype.named(dtype),
          KvDtype.named(kvDtype),
          context == null ? OptionalInt.empty() : OptionalInt.of(context),
          images.equals("on"),
          bytes);
    } catch (Llama4Exception e) {
      if (e.report().code() == ErrorCode.INVALID_OPTION) {
        throw new CommandFailures.UsageException(e.report());
      }
      throw e;
    }
  }
}

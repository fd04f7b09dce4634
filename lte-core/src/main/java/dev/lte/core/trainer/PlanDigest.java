package dev.lte.core.trainer;

import dev.lte.InvalidRequestException;
import dev.lte.train.Stage;
import dev.lte.train.StartingPoint;
import dev.lte.train.TrainingPlan;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** The options of a plan by which its steps differ, so that a checkpoint is not resumed with others. */
final class PlanDigest {
    private PlanDigest() {}

    static Map<String, String> of(TrainingPlan plan) {
        Map<String, String> digest = new LinkedHashMap<>();
        digest.put("start", start(plan.start()));
        digest.put("data", plan.data().toString());
        digest.put("expertSize", String.valueOf(plan.expertSize()));
        digest.put("threshold", String.valueOf(plan.threshold()));
        digest.put("guard", String.valueOf(plan.guard()));
        digest.put("grouping", String.valueOf(plan.grouping()));
        digest.put("maxTokens", String.valueOf(plan.maxTokens()));
        digest.put("tokensPerPass", String.valueOf(plan.tokensPerPass()));
        digest.put("precision", String.valueOf(plan.precision()));
        digest.put("seed", String.valueOf(plan.seed()));
        digest.put("evaluateEvery", String.valueOf(plan.evaluateEvery()));
        digest.put("chooseBest", String.valueOf(plan.chooseBest()));
        for (int i = 0; i < plan.stages().size(); i++) {
            digest.put("stage " + i, describe(plan.stages().get(i)));
        }
        return digest;
    }

    private static String start(StartingPoint point) {
        return switch (point) {
            case StartingPoint.ExistingModel existing -> absolute(existing.model());
            case StartingPoint.NewModel created -> created.toString();
        };
    }

    private static String absolute(Path path) {
        return path.toAbsolutePath().normalize().toString();
    }

    /** All options of a stage, on one line. */
    static String describe(Stage stage) {
        return stage.routing()
                + (stage.recipe() == null ? "" : " " + stage.recipe())
                + ", steps " + stage.steps()
                + ", epochs " + stage.epochs()
                + ", batch " + stage.batch()
                + ", rate " + stage.rate()
                + ", routerRate " + stage.routerRate()
                + ", warmup " + stage.warmup()
                + ", decay " + stage.decay()
                + ", weightDecay " + stage.weightDecay()
                + ", routerWeightDecay " + stage.routerWeightDecay()
                + ", clip " + stage.clip()
                + ", eta " + stage.eta()
                + ", targetSparsity " + stage.targetSparsity()
                + ", lambda " + stage.lambda()
                + ", lambdaRamp " + stage.lambdaRamp()
                + (stage.thresholdRange() == null ? "" : ", " + stage.thresholdRange())
                + (stage.distillation() == 0 ? "" : ", distillation " + stage.distillation());
    }

    /** @throws InvalidRequestException naming the first option that differs */
    static void requireEqual(Map<String, String> recorded, Map<String, String> now, Path checkpoint) {
        for (Map.Entry<String, String> option : now.entrySet()) {
            String before = recorded.get(option.getKey());
            if (!option.getValue().equals(before)) {
                throw new InvalidRequestException(
                        option.getKey(),
                        before + ", as when " + checkpoint + " was written (use another folder for another run)",
                        option.getValue());
            }
        }
        if (recorded.size() != now.size()) {
            throw new InvalidRequestException(
                    "stages", "as many as when " + checkpoint + " was written", now.size() + " options");
        }
    }
}

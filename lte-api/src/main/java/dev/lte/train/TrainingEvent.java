package dev.lte.train;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What happens in a training run. Steps are counted over all stages, from 1; stages from 0. */
public sealed interface TrainingEvent {
    /**
     * The first event.
     *
     * @param backend its name
     * @param device for people
     * @param parameters number of weights
     * @param vocabulary V
     * @param steps of each stage
     * @param step last step taken before, 0 for a new run
     */
    record Started(String backend, String device, long parameters, int vocabulary, List<Long> steps, long step)
            implements TrainingEvent {
        public Started {
            steps = List.copyOf(steps);
        }
    }

    /** @param steps of the stage */
    record StageStarted(int stage, Stage.Routing routing, long steps) implements TrainingEvent {}

    /**
     * Neurons have been grouped into experts.
     *
     * @param experts per layer
     * @param objectives sum over neurons of the squared distance to the mean of their expert, per layer; 0 where the method has none
     */
    record Grouped(GroupingMethod method, int experts, List<Double> objectives, Duration time)
            implements TrainingEvent {
        public Grouped {
            objectives = List.copyOf(objectives);
        }
    }

    /**
     * A step of the optimiser.
     *
     * @param stageStep from 1
     * @param stageSteps in all
     * @param taskLoss cross-entropy, nats per counted token (or per text, of classes)
     * @param distillationLoss what is learnt from the dense model, before its weight; 0 where nothing is
     * @param efficiencyLoss before its weight
     * @param separabilityLoss before its weight
     * @param eta weight of the efficiency loss
     * @param lambda weight of the separability loss
     * @param rate of the model's parameters
     * @param gradientNorm of the model's parameters, before clipping
     * @param routerGradientNorm of routers; 0 where none learn
     * @param sparsity share of FFN neurons whose experts are not above the threshold
     * @param layerSparsity the same per layer
     * @param tokens passed through the model in this step
     * @param tokensPerSecond measured since the last report
     * @param remaining expected until the last stage ends
     */
    record Step(
            long step,
            int stage,
            long stageStep,
            long stageSteps,
            double taskLoss,
            double distillationLoss,
            double efficiencyLoss,
            double separabilityLoss,
            double eta,
            double lambda,
            double rate,
            double gradientNorm,
            double routerGradientNorm,
            double sparsity,
            List<Double> layerSparsity,
            long tokens,
            double tokensPerSecond,
            Duration remaining)
            implements TrainingEvent {
        public Step {
            layerSparsity = List.copyOf(layerSparsity);
        }
    }

    /**
     * The development set, with the experts that the model will have in the end.
     *
     * @param natsPerToken cross-entropy per counted token (or per text, of classes)
     * @param natsPerCharacter the same per character; 0 for classes
     * @param accuracy share of texts classified right; null for language models
     * @param sparsity share of FFN neurons skipped
     * @param layerSparsity the same per layer
     * @param best whether no state of this stage was better so far
     */
    record Evaluated(
            long step,
            int stage,
            double natsPerToken,
            double natsPerCharacter,
            @Nullable Double accuracy,
            double sparsity,
            List<Double> layerSparsity,
            boolean best)
            implements TrainingEvent {
        public Evaluated {
            layerSparsity = List.copyOf(layerSparsity);
        }
    }

    /** From this state the run can be resumed. */
    record CheckpointWritten(long step, Path file) implements TrainingEvent {}

    /**
     * The last event of a run that was {@linkplain Training#stop() stopped}.
     *
     * @param checkpoint from which it can be resumed
     */
    record Stopped(long step, Path checkpoint) implements TrainingEvent {}

    /**
     * The last event of a run that is complete.
     *
     * @param model the GGUF file
     * @param directory the hub directory, or null
     * @param step whose state the model has: the last, or the best on the development set
     * @param sparsity share of FFN neurons skipped: on the development set, or over the last steps; 0 for a dense model
     * @param time of this run, without what came before it was resumed
     */
    record Completed(Path model, @Nullable Path directory, long step, double sparsity, Duration time)
            implements TrainingEvent {}
}

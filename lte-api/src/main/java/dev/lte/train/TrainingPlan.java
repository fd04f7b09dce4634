package dev.lte.train;

import dev.lte.InvalidRequestException;
import dev.lte.WeightType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** All that makes a training run. Immutable; made by {@link #of}. */
public final class TrainingPlan {
    private final StartingPoint start;
    private final TrainingData data;
    private final Path folder;
    private final List<Stage> stages;
    private final int expertSize;
    private final double threshold;
    private final double guard;
    private final GroupingMethod grouping;
    private final int maxTokens;
    private final int tokensPerPass;
    private final Precision precision;
    private final long seed;
    private final String backend;
    private final int threads;
    private final int reportEvery;
    private final int checkpointEvery;
    private final int keepCheckpoints;
    private final int evaluateEvery;
    private final boolean chooseBest;
    private final WeightType modelType;
    private final boolean hubDirectory;

    private TrainingPlan(Builder builder) {
        start = Objects.requireNonNull(builder.start);
        data = Objects.requireNonNull(builder.data);
        folder = Objects.requireNonNull(builder.folder);
        stages = List.copyOf(builder.stages);
        expertSize = builder.expertSize;
        threshold = builder.threshold;
        guard = builder.guard;
        grouping = builder.grouping;
        maxTokens = builder.maxTokens;
        tokensPerPass = builder.tokensPerPass;
        precision = builder.precision;
        seed = builder.seed;
        backend = builder.backend;
        threads = builder.threads;
        reportEvery = builder.reportEvery;
        checkpointEvery = builder.checkpointEvery;
        keepCheckpoints = builder.keepCheckpoints;
        evaluateEvery = builder.evaluateEvery;
        chooseBest = builder.chooseBest;
        modelType = builder.modelType;
        hubDirectory = builder.hubDirectory;
    }

    public static TrainingPlan of(Consumer<Builder> description) {
        Builder builder = new Builder();
        description.accept(builder);
        builder.check();
        return new TrainingPlan(builder);
    }

    public StartingPoint start() {
        return start;
    }

    public TrainingData data() {
        return data;
    }

    public Path folder() {
        return folder;
    }

    public List<Stage> stages() {
        return stages;
    }

    public int expertSize() {
        return expertSize;
    }

    public double threshold() {
        return threshold;
    }

    public double guard() {
        return guard;
    }

    public GroupingMethod grouping() {
        return grouping;
    }

    public int maxTokens() {
        return maxTokens;
    }

    public int tokensPerPass() {
        return tokensPerPass;
    }

    public Precision precision() {
        return precision;
    }

    public long seed() {
        return seed;
    }

    public String backend() {
        return backend;
    }

    public int threads() {
        return threads;
    }

    public int reportEvery() {
        return reportEvery;
    }

    public int checkpointEvery() {
        return checkpointEvery;
    }

    public int keepCheckpoints() {
        return keepCheckpoints;
    }

    public int evaluateEvery() {
        return evaluateEvery;
    }

    public boolean chooseBest() {
        return chooseBest;
    }

    public WeightType modelType() {
        return modelType;
    }

    public boolean hubDirectory() {
        return hubDirectory;
    }

    /** Not thread-safe. */
    public static final class Builder {
        private @Nullable StartingPoint start;
        private @Nullable TrainingData data;
        private @Nullable Path folder;
        private final List<Stage> stages = new ArrayList<>();
        private int expertSize = 32;
        private double threshold = 0.5;
        private double guard = 1e-3;
        private GroupingMethod grouping = GroupingMethod.K_MEANS;
        private int maxTokens = 512;
        private int tokensPerPass;
        private Precision precision = Precision.F32;
        private long seed;
        private String backend = "auto";
        private int threads;
        private int reportEvery = 10;
        private int checkpointEvery = 200;
        private int keepCheckpoints = 2;
        private int evaluateEvery;
        private boolean chooseBest = true;
        private WeightType modelType = WeightType.F32;
        private boolean hubDirectory;

        private Builder() {}

        /** What training begins with. Must be given. */
        public Builder start(StartingPoint point) {
            start = point;
            return this;
        }

        /** What is learnt. Must be given. */
        public Builder data(TrainingData files) {
            data = files;
            return this;
        }

        /** Where checkpoints and the model are written; made if it is not there. Must be given. */
        public Builder folder(Path directory) {
            folder = directory;
            return this;
        }

        /** Appends a stage: at most one dense, then at most one in which routers learn, then at most one hard. */
        public Builder stage(Stage stage) {
            stages.add(stage);
            return this;
        }

        /** M, neurons of an expert, 32 by default; divides F. */
        public Builder expertSize(int neurons) {
            require(neurons > 0, "expertSize", "1 or more", neurons);
            expertSize = neurons;
            return this;
        }

        /** tau, the score above which an expert runs, 0.5 by default. */
        public Builder threshold(double tau) {
            require(tau > 0 && tau < 1, "threshold", "between 0 and 1", tau);
            threshold = tau;
            return this;
        }

        /** What keeps the separability loss finite at tau: it is 1 / ((G - tau)^2 + guard) for every score. 0.001 by default. */
        public Builder guard(double addend) {
            require(addend >= 1e-6 && addend <= 1, "guard", "0.000001 to 1", addend);
            guard = addend;
            return this;
        }

        /** How neurons become experts, {@link GroupingMethod#K_MEANS} by default. */
        public Builder grouping(GroupingMethod method) {
            grouping = method;
            return this;
        }

        /** Tokens of a sequence, 512 by default, at most the model's context; longer examples are cut. */
        public Builder maxTokens(int tokens) {
            require(tokens >= 2, "maxTokens", "2 or more", tokens);
            maxTokens = tokens;
            return this;
        }

        /**
         * Tokens that go through the model together; batches that have more are passed through in parts, whose gradients add up.
         * Memory for activations grows with it. 0 (the default) for 8,192, or one sequence if that is longer.
         */
        public Builder tokensPerPass(int tokens) {
            require(tokens >= 0, "tokensPerPass", "0 or more", tokens);
            tokensPerPass = tokens;
            return this;
        }

        /** {@link Precision#F32} by default. */
        public Builder precision(Precision type) {
            precision = type;
            return this;
        }

        /** Of all random numbers: new weights, routers, grouping, the order of examples. 0 by default. */
        public Builder seed(long value) {
            seed = value;
            return this;
        }

        /** A backend's name, which then must be available, or {@code auto} (the default) for the best available. */
        public Builder backend(String name) {
            backend = name;
            return this;
        }

        /** Host threads for kernels; 0 (the default) lets the backend choose. */
        public Builder threads(int count) {
            require(count >= 0 && count <= 1024, "threads", "0 to 1024", count);
            threads = count;
            return this;
        }

        /**
         * Steps after which losses are fetched from the device and reported, 10 by default. While eta is steered towards a target
         * they are fetched after every step.
         */
        public Builder reportEvery(int steps) {
            require(steps > 0 && steps <= 10_000, "reportEvery", "1 to 10000", steps);
            reportEvery = steps;
            return this;
        }

        /** Steps between checkpoints, 200 by default. There is also one at the begin of every stage. */
        public Builder checkpointEvery(int steps) {
            require(steps > 0, "checkpointEvery", "1 or more", steps);
            checkpointEvery = steps;
            return this;
        }

        /** How many checkpoints stay, 2 by default. */
        public Builder keepCheckpoints(int count) {
            require(count > 0, "keepCheckpoints", "1 or more", count);
            keepCheckpoints = count;
            return this;
        }

        /** Steps between evaluations on the development set; 0 (the default) for the end of each stage only. */
        public Builder evaluateEvery(int steps) {
            require(steps >= 0, "evaluateEvery", "0 or more", steps);
            evaluateEvery = steps;
            return this;
        }

        /**
         * Whether a dense and a hard stage end with the state that had the lowest loss on the development set (the default),
         * rather than with the last. Stages in which routers learn always end with the last.
         */
        public Builder chooseBest(boolean best) {
            chooseBest = best;
            return this;
        }

        /** Element type of the matrices of the model that is written, F32 by default. */
        public Builder modelType(WeightType type) {
            modelType = type;
            return this;
        }

        /** Whether the model is written as a hub directory too; then its type must be F32, F16 or BF16. */
        public Builder hubDirectory(boolean write) {
            hubDirectory = write;
            return this;
        }

        private void check() {
            require(start != null, "start", "a model, or the shape of a new one", "none");
            require(data != null, "data", "files to learn from", "none");
            require(folder != null, "folder", "a folder for checkpoints and the model", "none");
            require(!stages.isEmpty(), "stages", "one or more", "none");
            for (int i = 1; i < stages.size(); i++) {
                Stage.Routing before = stages.get(i - 1).routing();
                Stage.Routing now = stages.get(i).routing();
                require(before.compareTo(now) < 0, "stages", "dense, learned, hard in this order", before + ", " + now);
                require(
                        stages.get(i - 1).recipe() != Recipe.NOISY_TOP_K,
                        "stages",
                        "none behind NOISY_TOP_K, whose experts are scaled to the end",
                        now);
            }
            boolean plain = modelType == WeightType.F32 || modelType == WeightType.F16 || modelType == WeightType.BF16;
            require(!hubDirectory || plain, "modelType", "F32, F16 or BF16 for a hub directory", modelType);
            require(
                    tokensPerPass == 0 || tokensPerPass >= maxTokens,
                    "tokensPerPass",
                    "0, or at least maxTokens " + maxTokens,
                    tokensPerPass);
        }

        private static void require(boolean holds, String option, String expected, Object found) {
            if (!holds) {
                throw new InvalidRequestException(option, expected, found);
            }
        }
    }
}

package dev.lte.core.trainer;

import dev.lte.InvalidRequestException;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.data.BatchShape;
import dev.lte.core.data.BatchStream;
import dev.lte.core.data.CompletionBatches;
import dev.lte.core.data.DataPosition;
import dev.lte.core.data.E2eSource;
import dev.lte.core.data.ExampleSource;
import dev.lte.core.data.ExampleStream;
import dev.lte.core.data.JsonlSource;
import dev.lte.core.data.LabelledBatch;
import dev.lte.core.data.LabelledBatches;
import dev.lte.core.data.PackedBatches;
import dev.lte.core.data.Shuffling;
import dev.lte.core.data.TextBatch;
import dev.lte.core.data.TextSource;
import dev.lte.core.data.TsvSource;
import dev.lte.core.token.VocabularyTokenizer;
import dev.lte.core.train.TrainingBatch;
import dev.lte.train.TrainingData;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The data of a run as steps.
 *
 * @param tokens of the longest sequence
 * @param passRows rows of a pass as the plan asks for them, 0 for the default
 */
record RunData(TrainingData files, VocabularyTokenizer tokenizer, ModelConfig config, int tokens, int passRows) {
    RunData {
        boolean labelled = files.format() == TrainingData.Format.TSV;
        if (labelled != config.classes() > 0) {
            throw new InvalidRequestException(
                    "data",
                    config.classes() > 0
                            ? "texts with classes, for a model that classifies"
                            : "text, for a model that generates",
                    files.format());
        }
        if (tokens > config.contextLength()) {
            throw new InvalidRequestException(
                    "maxTokens", "at most " + config.contextLength() + ", which the model was made for", tokens);
        }
    }

    static ExampleSource source(TrainingData data, Path file) {
        return switch (data.format()) {
            case TEXT -> new TextSource(file, data.separator());
            case JSONL -> new JsonlSource(file, data.prompt(), data.completion());
            case E2E -> new E2eSource(file);
            case TSV -> new TsvSource(file, null);
        };
    }

    PassShape passShape(int batch) {
        return PassShape.of(batch, tokens, passRows);
    }

    /** Steps of the training file without end, from a position on. */
    Steps training(int batch, long seed, DataPosition from) {
        Shuffling shuffling = new Shuffling(seed, files.shuffleBuffer());
        return steps(files.train(), shuffling, Long.MAX_VALUE, batch, from, false);
    }

    /**
     * The development file once, in its order. Every target has the weight 1, so that losses are sums.
     *
     * @param batch sequences of a step
     */
    Steps development(Path file, int batch) {
        return steps(file, Shuffling.NONE, 1, batch, DataPosition.START, true);
    }

    /** Steps that a number of passes over the training file makes. */
    long steps(double epochs, int batch) {
        long sequences = 0;
        try (Steps once = steps(files.train(), Shuffling.NONE, 1, 1, DataPosition.START, true)) {
            while (once.next() != null) {
                sequences++;
            }
        }
        return Math.max(1, (long) Math.ceil(epochs * sequences / batch));
    }

    private Steps steps(Path file, Shuffling shuffling, long epochs, int batch, DataPosition from, boolean sums) {
        ExampleStream examples = new ExampleStream(source(files, file), shuffling, epochs);
        try {
            BatchShape shape = new BatchShape(batch, tokens, false);
            PassShape passes = passShape(batch);
            return switch (files.format()) {
                case TEXT -> new TextSteps(new PackedBatches(examples, tokenizer, shape, from), passes, sums);
                case JSONL, E2E -> new TextSteps(new CompletionBatches(examples, tokenizer, shape, from), passes, sums);
                case TSV -> {
                    LabelledBatches batches = new LabelledBatches(examples, tokenizer, shape, from);
                    yield new LabelledSteps(batches, passes, sums, config.classes());
                }
            };
        } catch (RuntimeException | Error e) {
            examples.close();
            throw e;
        }
    }

    /** Step after step. Not thread-safe. */
    interface Steps extends AutoCloseable {
        /** The next, or null at the end. */
        @Nullable
        StepBatches next();

        @Override
        void close();
    }

    private record TextSteps(BatchStream<TextBatch> stream, PassShape shape, boolean sums) implements Steps {
        @Override
        public @Nullable StepBatches next() {
            DataPosition from = stream.position();
            TextBatch batch = stream.next();
            if (batch == null) {
                return null;
            }
            List<TrainingBatch> passes = shape.passes(batch, sums ? 1 : batch.counted());
            long tokens = PassShape.sum(batch.lengths());
            return new StepBatches(passes, from, stream.position(), tokens, batch.counted(), batch.characters());
        }

        @Override
        public void close() {
            stream.close();
        }
    }

    private record LabelledSteps(BatchStream<LabelledBatch> stream, PassShape shape, boolean sums, int classes)
            implements Steps {
        @Override
        public @Nullable StepBatches next() {
            DataPosition from = stream.position();
            LabelledBatch batch = stream.next();
            if (batch == null) {
                return null;
            }
            for (int label : batch.labels()) {
                if (label >= classes) {
                    throw new InvalidRequestException(
                            "data", "classes below " + classes + ", of which the model has so many", label);
                }
            }
            List<TrainingBatch> passes = shape.passes(batch, sums ? 1 : batch.sequences());
            long tokens = PassShape.sum(batch.lengths());
            return new StepBatches(passes, from, stream.position(), tokens, batch.sequences(), 0);
        }

        @Override
        public void close() {
            stream.close();
        }
    }
}

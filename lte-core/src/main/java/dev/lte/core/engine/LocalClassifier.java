package dev.lte.core.engine;

import dev.lte.Classifier;
import dev.lte.ContextOverflowException;
import dev.lte.InvalidRequestException;
import dev.lte.ModelClosedException;
import dev.lte.ModelInfo;
import dev.lte.Tokenizer;
import dev.lte.UnsupportedModelException;
import dev.lte.backend.Backend;
import dev.lte.backend.KernelQueue;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.layer.LogitRows;
import dev.lte.core.layer.Pass;
import dev.lte.core.layer.Transformer;
import dev.lte.core.layer.Workspace;
import dev.lte.core.sparse.SparsityMeter;
import dev.lte.core.token.VocabularyTokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** A classifier whose passes run on the callers' threads, one at a time. */
public final class LocalClassifier implements Classifier {
    private static final int SEQUENCES = 64;

    private final ModelInfo info;
    private final ModelConfig config;
    private final Transformer transformer;
    private final @Nullable VocabularyTokenizer tokenizer;
    private final String withoutTokenizer;
    private final boolean routed;
    private final KernelQueue queue;
    private final Workspace workspace;
    private final Runnable release;
    private final ReentrantLock lock = new ReentrantLock();
    private boolean closed;

    /** What one sequence came to. */
    private record Outcome(float[] logits, SparsityMeter meter) {}

    /**
     * @param info what was loaded; its context length is the longest sequence
     * @param tokenizer null if the model has none
     * @param withoutTokenizer why there is none
     * @param routed whether routers choose experts
     * @param release frees all that the model owns
     */
    public LocalClassifier(
            ModelInfo info,
            @Nullable VocabularyTokenizer tokenizer,
            String withoutTokenizer,
            Backend backend,
            KernelQueue queue,
            Transformer transformer,
            boolean routed,
            Runnable release) {
        this.info = info;
        this.config = transformer.config();
        this.transformer = transformer;
        this.tokenizer = tokenizer;
        this.withoutTokenizer = withoutTokenizer;
        this.routed = routed;
        this.queue = queue;
        this.release = release;
        int rows = Math.max(backend.device().promptRows(), info.contextLength());
        workspace = new Workspace(
                backend, config, config.classes(), new Workspace.Sizes(rows, SEQUENCES, SEQUENCES, 1, 1, routed));
    }

    @Override
    public ModelInfo info() {
        return info;
    }

    @Override
    public Tokenizer tokenizer() {
        return requireTokenizer();
    }

    private VocabularyTokenizer requireTokenizer() {
        if (tokenizer == null) {
            throw new UnsupportedModelException(withoutTokenizer, "give token ids instead of text");
        }
        return tokenizer;
    }

    @Override
    public List<String> labels() {
        return config.classLabels().isEmpty()
                ? IntStream.range(0, config.classes())
                        .mapToObj(Integer::toString)
                        .toList()
                : config.classLabels();
    }

    @Override
    public List<Classification> classify(List<String> texts, @Nullable Double threshold) {
        VocabularyTokenizer encoder = requireTokenizer();
        return classifyIds(texts.stream().map(encoder::encode).toList(), threshold);
    }

    @Override
    public List<Classification> classifyPairs(List<TextPair> pairs, @Nullable Double threshold) {
        VocabularyTokenizer encoder = requireTokenizer();
        int separator = encoder.metadata().endId();
        if (separator < 0) {
            throw new UnsupportedModelException(
                    "the tokenizer of " + info.name() + " has no separator for pairs", "classify single texts");
        }
        List<int[]> sequences = new ArrayList<>();
        for (TextPair pair : pairs) {
            // <s> first </s></s> second </s>, as the model was trained.
            int[] first = encoder.encode(pair.first());
            int[] second = encoder.encode(pair.second(), false, false);
            int[] ids = Arrays.copyOf(first, first.length + second.length + 2);
            ids[first.length] = separator;
            System.arraycopy(second, 0, ids, first.length + 1, second.length);
            ids[ids.length - 1] = separator;
            sequences.add(ids);
        }
        return classifyIds(sequences, threshold);
    }

    private List<Classification> classifyIds(List<int[]> sequences, @Nullable Double threshold) {
        List<String> labels = labels();
        return run(sequences, tau(threshold)).stream()
                .map(outcome -> {
                    double[] probabilities = softmax(outcome.logits());
                    int best = 0;
                    for (int i = 1; i < probabilities.length; i++) {
                        best = probabilities[i] > probabilities[best] ? i : best;
                    }
                    return new Classification(
                            labels.get(best),
                            Arrays.stream(probabilities).boxed().toList(),
                            outcome.meter().report());
                })
                .toList();
    }

    private static double[] softmax(float[] logits) {
        double largest = Double.NEGATIVE_INFINITY;
        for (float logit : logits) {
            largest = Math.max(largest, logit);
        }
        double[] result = new double[logits.length];
        double sum = 0;
        for (int i = 0; i < result.length; i++) {
            result[i] = Math.exp(logits[i] - largest);
            sum += result[i];
        }
        for (int i = 0; i < result.length; i++) {
            result[i] /= sum;
        }
        return result;
    }

    @Override
    public float[] logits(int... ids) {
        return run(List.of(ids), tau(null)).getFirst().logits();
    }

    private float tau(@Nullable Double threshold) {
        ModelConfig.Routing routing = config.routing();
        if (threshold == null) {
            return routing == null ? 0 : routing.threshold();
        }
        if (!routed) {
            throw new InvalidRequestException("threshold", "none, as the model runs without routers", threshold);
        }
        if (!(threshold >= 0 && threshold <= 1)) {
            throw new InvalidRequestException("threshold", "0 to 1", threshold);
        }
        return threshold.floatValue();
    }

    private List<Outcome> run(List<int[]> sequences, float threshold) {
        for (int[] ids : sequences) {
            check(ids);
        }
        List<Outcome> outcomes = new ArrayList<>();
        int next = 0;
        while (next < sequences.size()) {
            int rows = 0;
            int end = next;
            while (end < sequences.size()
                    && end - next < SEQUENCES
                    && rows + sequences.get(end).length <= workspace.maxRows()) {
                rows += sequences.get(end++).length;
            }
            lock.lock();
            try {
                if (closed) {
                    throw new ModelClosedException(info.name());
                }
                pass(sequences.subList(next, end), rows, threshold, outcomes);
            } finally {
                lock.unlock();
            }
            next = end;
        }
        return outcomes;
    }

    private void check(int[] ids) {
        if (ids.length == 0) {
            throw new InvalidRequestException("text", "at least one token", "none");
        }
        if (ids.length > info.contextLength()) {
            throw new ContextOverflowException(ids.length, 0, info.contextLength());
        }
        for (int id : ids) {
            if (id < 0 || id >= config.vocabulary()) {
                throw new InvalidRequestException("ids", "ids of 0 to " + (config.vocabulary() - 1), id);
            }
        }
    }

    private void pass(List<int[]> sequences, int rows, float threshold, List<Outcome> outcomes) {
        int[] ids = new int[rows];
        int[] positions = new int[rows];
        int[] positionIds = new int[rows];
        float[] thresholds = new float[rows];
        int[] starts = new int[SEQUENCES + 1];
        int row = 0;
        for (int i = 0; i < sequences.size(); i++) {
            starts[i] = row;
            for (int position = 0; position < sequences.get(i).length; position++) {
                ids[row] = sequences.get(i)[position];
                positions[row] = position;
                positionIds[row] = position + config.positionOffset();
                thresholds[row] = threshold;
                row++;
            }
        }
        Arrays.fill(starts, sequences.size(), starts.length, rows); // the rest are empty
        Pass pass = workspace.pass(rows);
        queue.write(pass.ids(), ids);
        queue.write(pass.positions(), positions);
        queue.write(pass.positionIds(), positionIds);
        queue.write(pass.starts(), starts);
        if (routed) {
            queue.write(pass.thresholds(), thresholds);
        }
        transformer.hidden(queue, pass, null);
        LogitRows out = workspace.logits(sequences.size());
        queue.write(out.indices(), starts);
        transformer.classesOfIndices(queue, pass, out);
        float[] logits = new float[sequences.size() * config.classes()];
        queue.read(out.logits(), logits);
        int layers = config.layers().size();
        int[] active = new int[layers * rows];
        if (routed) {
            queue.read(pass.activeExperts(), active);
        }
        for (int i = 0; i < sequences.size(); i++) {
            SparsityMeter meter = new SparsityMeter(layers, routed ? config.experts() : 0);
            meter.addTokens(sequences.get(i).length);
            for (int layer = 0; layer < layers; layer++) {
                for (int r = starts[i]; r < starts[i + 1]; r++) {
                    meter.addActive(layer, active[layer * rows + r]);
                }
            }
            int from = i * config.classes();
            outcomes.add(new Outcome(Arrays.copyOfRange(logits, from, from + config.classes()), meter));
        }
    }

    @Override
    public void close() {
        lock.lock();
        try {
            if (!closed) {
                closed = true;
                release.run();
            }
        } finally {
            lock.unlock();
        }
    }
}

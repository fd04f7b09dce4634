package dev.lte.core.eval;

import dev.lte.ContextOverflowException;
import dev.lte.SparsityReport;
import dev.lte.backend.Backend;
import dev.lte.backend.KernelQueue;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.layer.LogitRows;
import dev.lte.core.layer.Pass;
import dev.lte.core.layer.Transformer;
import dev.lte.core.layer.Workspace;
import dev.lte.core.sparse.SparsityMeter;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The likelihood of whole sequences under a causal model, many sequences to a pass, without a key/value cache. Logits come to
 * the host in blocks and are reduced there. One thread at a time.
 */
public final class SequenceScorer implements AutoCloseable {
    private static final int MAX_SEQUENCES = 256;
    /** Logits that are held at once, 16 MiB. */
    private static final int LOGITS = 1 << 22;

    private final ModelConfig config;
    private final Transformer transformer;
    private final KernelQueue queue;
    private final Workspace workspace;
    private final int context;
    private final boolean routed;
    private final float threshold;
    private final float[] logits;
    private final SparsityMeter meter;

    /**
     * @param context positions that the transformer was loaded for, hence the longest sequence
     * @param routed whether routers choose experts
     * @param threshold tau, if they do
     */
    public SequenceScorer(Backend backend, Transformer transformer, int context, boolean routed, float threshold) {
        this.config = transformer.config();
        this.transformer = transformer;
        this.context = context;
        this.routed = routed;
        this.threshold = threshold;
        int rows = rows(backend, context);
        int logitRows = Math.clamp(LOGITS / config.vocabulary(), 16, Math.max(16, rows));
        queue = backend.openQueue();
        workspace = new Workspace(
                backend,
                config,
                config.vocabulary(),
                new Workspace.Sizes(rows, logitRows, MAX_SEQUENCES, 1, 1, routed));
        logits = new float[Math.multiplyExact(logitRows, config.vocabulary())];
        meter = new SparsityMeter(config.layers().size(), routed ? config.experts() : 0);
    }

    /** Rows of the largest pass. */
    public static int rows(Backend backend, int context) {
        return Math.max(backend.device().promptRows(), context);
    }

    /** Sparsity over all tokens so far. */
    public SparsityReport sparsity() {
        return meter.report();
    }

    /**
     * Adds the likelihood of sequences, as if each were alone.
     *
     * @throws ContextOverflowException if one is longer than the context
     */
    public void score(List<ScoredSequence> sequences, Likelihood into) {
        int next = 0;
        while (next < sequences.size()) {
            int rows = 0;
            int end = next;
            while (end < sequences.size() && end - next < MAX_SEQUENCES) {
                int length = sequences.get(end).ids().length;
                if (length > context) {
                    throw new ContextOverflowException(length, 0, context);
                }
                if (rows + length > workspace.maxRows()) {
                    break;
                }
                rows += length;
                end++;
            }
            pass(sequences.subList(next, end), rows, into);
            next = end;
        }
    }

    private void pass(List<ScoredSequence> sequences, int rows, Likelihood into) {
        int[] ids = new int[rows];
        int[] positions = new int[rows];
        int[] positionIds = new int[rows];
        int[] starts = new int[MAX_SEQUENCES + 1];
        int[] targetRows = new int[rows];
        int[] targets = new int[rows];
        int counted = 0;
        int row = 0;
        for (int i = 0; i < sequences.size(); i++) {
            int[] sequence = sequences.get(i).ids();
            starts[i] = row;
            for (int position = 0; position < sequence.length; position++) {
                ids[row] = sequence[position];
                positions[row] = position;
                positionIds[row] = position + config.positionOffset();
                if (position + 1 >= sequences.get(i).firstTarget() && position + 1 < sequence.length) {
                    targetRows[counted] = row;
                    targets[counted++] = sequence[position + 1];
                }
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
            float[] thresholds = new float[rows];
            Arrays.fill(thresholds, threshold);
            queue.write(pass.thresholds(), thresholds);
        }
        transformer.hidden(queue, pass, null);
        double nats = 0;
        for (int from = 0; from < counted; from += workspace.maxLogitRows()) {
            int size = Math.min(workspace.maxLogitRows(), counted - from);
            nats += block(pass, targetRows, targets, from, size);
        }
        count(pass, rows);
        long characters = 0;
        for (ScoredSequence sequence : sequences) {
            characters += sequence.characters();
        }
        into.add(nats, counted, characters);
    }

    private double block(Pass pass, int[] targetRows, int[] targets, int from, int size) {
        LogitRows out = workspace.logits(size);
        queue.write(out.indices(), Arrays.copyOfRange(targetRows, from, from + size));
        transformer.logitsOfIndices(queue, pass, out);
        queue.read(out.logits(), logits);
        int columns = config.vocabulary();
        double[] nats = IntStream.range(0, size)
                .parallel()
                .mapToDouble(i -> nats(logits, i * columns, columns, targets[from + i]))
                .toArray();
        return Arrays.stream(nats).sum();
    }

    /** {@code log(sum of exp(logits)) - logits[target]}. */
    static double nats(float[] logits, int start, int columns, int target) {
        float largest = Float.NEGATIVE_INFINITY;
        for (int i = start; i < start + columns; i++) {
            largest = Math.max(largest, logits[i]);
        }
        double sum = 0;
        for (int i = start; i < start + columns; i++) {
            sum += Math.exp(logits[i] - largest);
        }
        return Math.log(sum) + largest - logits[start + target];
    }

    private void count(Pass pass, int rows) {
        meter.addTokens(rows);
        if (!routed) {
            return;
        }
        int layers = config.layers().size();
        int[] active = new int[layers * rows];
        queue.read(pass.activeExperts(), active);
        for (int layer = 0; layer < layers; layer++) {
            int sum = 0;
            for (int row = 0; row < rows; row++) {
                sum += active[layer * rows + row];
            }
            meter.addActive(layer, sum);
        }
    }

    @Override
    public void close() {
        queue.close();
    }
}

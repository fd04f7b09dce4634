package dev.lte.core.engine;

import dev.lte.BackendFailureException;
import dev.lte.LteException;
import dev.lte.backend.Backend;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.Tensor;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.cache.KeyValueCache;
import dev.lte.core.layer.LogitRows;
import dev.lte.core.layer.Pass;
import dev.lte.core.layer.Transformer;
import dev.lte.core.layer.Workspace;
import dev.lte.core.sparse.SparsityMeter;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Runs passes: writes their inputs, enqueues the model, hands logits and counts of experts to the sequences. A pass is either
 * a chunk of one prompt or one token of each of several sequences; chunks begin at multiples of their size, so that a
 * sequence is computed in the same way whatever runs beside it. Confined to the engine's thread.
 */
final class PassRunner {
    private static final int LOGIT_ROWS = 16;

    private final KernelQueue queue;
    private final Transformer transformer;
    private final KeyValueCache cache;
    private final Workspace workspace;
    private final int promptRows;
    private final int vocabulary;
    private final int experts;
    private final int layers;
    private final int positionOffset;
    private final boolean learnedPositions;
    private final int pagesPerSequence;
    private final int columns;

    private final int[] ids;
    private final int[] positions;
    private final int[] positionIds;
    private final int[] sequences;
    private final float[] thresholds;
    private final int[] counts;
    private final int[] indices;
    private final int[] best;
    private final float[] logits;
    private final KernelQueue.@Nullable Recording[] steps;
    private final KernelQueue.@Nullable Recording[] greedySteps;

    PassRunner(
            Backend backend, KernelQueue queue, Transformer transformer, KeyValueCache cache, EngineOptions options) {
        ModelConfig config = transformer.config();
        this.queue = queue;
        this.transformer = transformer;
        this.cache = cache;
        promptRows = options.promptRows();
        vocabulary = options.vocabulary();
        layers = config.layers().size();
        experts = options.routed() ? config.experts() : 0;
        positionOffset = config.positionOffset();
        learnedPositions = config.ropes().isEmpty();
        pagesPerSequence = KeyValueCache.pagesFor(options.contextLength());
        columns = config.vocabulary();
        int rows = Math.max(promptRows, options.maxStreams());
        int logitRows = Math.max(LOGIT_ROWS, options.maxStreams());
        workspace = new Workspace(
                backend,
                config,
                columns,
                new Workspace.Sizes(
                        rows,
                        logitRows,
                        options.maxStreams(),
                        pagesPerSequence,
                        KeyValueCache.PAGE_SIZE,
                        options.routed()));
        ids = new int[rows];
        positions = new int[rows];
        positionIds = new int[rows];
        sequences = new int[rows];
        thresholds = new float[rows];
        counts = new int[rows * layers];
        indices = new int[logitRows];
        best = new int[logitRows];
        logits = new float[Math.multiplyExact(logitRows, columns)];
        steps = new KernelQueue.Recording[options.maxStreams() + 1];
        greedySteps = new KernelQueue.Recording[options.maxStreams() + 1];
    }

    /** Tells the device which pages a sequence has. */
    void assignPages(Sequence sequence) {
        int slot = sequence.slot();
        int[] pages = sequence.lease().pages();
        int[] line = new int[pagesPerSequence];
        System.arraycopy(pages, 0, line, 0, pages.length);
        queue.write(workspace.pass(1).batch().pageTable().rowRange(slot, slot + 1), line);
    }

    /** The next chunk of a prompt. Behind a prefix from the cache, the first one ends where it would have ended without. */
    void promptChunk(Sequence sequence) {
        int first = sequence.done();
        int rows = Math.min(promptRows - first % promptRows, sequence.promptEnd() - first);
        for (int i = 0; i < rows; i++) {
            row(i, sequence, sequence.tokens()[first + i], first + i);
        }
        Pass pass = workspace.pass(rows);
        write(pass);
        transformer.hidden(queue, pass, cache);
        sequence.advance(rows);
        count(pass, List.of(sequence), rows);
        if (sequence.wantsAllLogits()) {
            for (int done = 0; done < rows; done += workspace.maxLogitRows()) {
                int block = Math.min(workspace.maxLogitRows(), rows - done);
                LogitRows out = logitsOf(pass, done, block);
                queue.read(out.logits(), logits);
                sequence.onLogits(first + done, block, logits, columns);
            }
        } else if (!sequence.inPrompt()) {
            LogitRows out = logitsOf(pass, rows - 1, 1);
            if (decidesByArgmax(sequence)) {
                queue.argmax(out.best(), out.logits());
                queue.read(out.best(), best);
                sequence.onToken(best[0]);
            } else {
                queue.read(out.logits(), logits);
                sequence.onLogits(first + rows - 1, 1, logits, columns);
            }
        }
    }

    private LogitRows logitsOf(Pass pass, int from, int rows) {
        LogitRows out = workspace.logits(rows);
        for (int i = 0; i < rows; i++) {
            indices[i] = from + i;
        }
        queue.write(out.indices(), indices);
        transformer.logitsOfIndices(queue, pass, out);
        return out;
    }

    /** One token of each sequence. */
    void decode(List<? extends Sequence> batch) {
        int rows = batch.size();
        boolean greedy = true;
        for (int i = 0; i < rows; i++) {
            Sequence sequence = batch.get(i);
            row(i, sequence, sequence.nextToken(), sequence.done());
            greedy &= decidesByArgmax(sequence);
        }
        Pass pass = workspace.pass(rows);
        LogitRows out = workspace.logits(rows);
        write(pass);
        step(pass, out, greedy).run();
        for (int i = 0; i < rows; i++) {
            batch.get(i).advance(1);
        }
        count(pass, batch, 1);
        if (greedy) {
            queue.read(out.best(), best);
        } else {
            queue.read(out.logits(), logits);
        }
        for (int i = 0; i < rows; i++) {
            Sequence sequence = batch.get(i);
            try {
                if (greedy) {
                    sequence.onToken(best[i]);
                } else {
                    System.arraycopy(logits, i * columns, logits, 0, columns);
                    sequence.onLogits(sequence.done() - 1, 1, logits, columns);
                }
            } catch (LteException e) {
                sequence.breakOff(e); // its neighbours go on
            } catch (RuntimeException e) {
                sequence.breakOff(new BackendFailureException(
                        "the next token could not be taken: " + e, "see the cause; report it", e));
            }
        }
    }

    private KernelQueue.Recording step(Pass pass, LogitRows out, boolean greedy) {
        KernelQueue.@Nullable Recording[] recordings = greedy ? greedySteps : steps;
        KernelQueue.Recording recording = recordings[pass.rows()];
        if (recording == null) {
            recording = queue.record(() -> {
                transformer.hidden(queue, pass, cache);
                transformer.logits(queue, pass, out);
                if (greedy) {
                    queue.argmax(out.best(), out.logits());
                }
            });
            recordings[pass.rows()] = recording;
        }
        return recording;
    }

    /** Logits beyond the vocabulary are padding, which only the host leaves out. */
    private boolean decidesByArgmax(Sequence sequence) {
        return sequence.isArgmax() && vocabulary == columns;
    }

    private void row(int index, Sequence sequence, int id, int position) {
        ids[index] = id;
        positions[index] = position;
        positionIds[index] = position + positionOffset;
        sequences[index] = sequence.slot();
        thresholds[index] = sequence.threshold();
    }

    private void write(Pass pass) {
        queue.write(pass.ids(), ids);
        queue.write(pass.positions(), positions);
        queue.write(pass.batch().sequences(), sequences);
        if (learnedPositions) {
            queue.write(pass.positionIds(), positionIds);
        }
        if (pass.isRouted()) {
            queue.write(pass.thresholds(), thresholds);
        }
    }

    /** Adds the experts that ran to the meters: {@code each} consecutive rows belong to one sequence, which has advanced. */
    private void count(Pass pass, List<? extends Sequence> batch, int each) {
        Tensor active = pass.activeExperts();
        if (experts > 0) {
            queue.read(active, counts);
        }
        int rows = pass.rows();
        for (int i = 0; i < batch.size(); i++) {
            Sequence sequence = batch.get(i);
            int fresh = sequence.measure(sequence.done() - each, each);
            SparsityMeter meter = sequence.meter();
            meter.addTokens(fresh);
            if (experts > 0) {
                for (int layer = 0; layer < layers; layer++) {
                    for (int row = (i + 1) * each - fresh; row < (i + 1) * each; row++) {
                        meter.addActive(layer, counts[layer * rows + row]);
                    }
                }
            }
        }
    }

    /** Frees what recordings hold. */
    void close() {
        for (KernelQueue.Recording recording : steps) {
            if (recording != null) {
                recording.close();
            }
        }
        for (KernelQueue.Recording recording : greedySteps) {
            if (recording != null) {
                recording.close();
            }
        }
    }
}

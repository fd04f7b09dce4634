package dev.lte.core.contract;

import dev.lte.backend.Activation;
import dev.lte.backend.AttentionSpec;
import dev.lte.backend.DType;
import dev.lte.backend.ExpertSelection;
import dev.lte.backend.FfnData;
import dev.lte.backend.FfnSpec;
import dev.lte.backend.FfnWeights;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.NormSpec;
import dev.lte.backend.RopeSpec;
import dev.lte.backend.RowBatch;
import dev.lte.backend.Tensor;
import dev.lte.backend.Write;
import java.util.random.RandomGenerator;

/** Every kernel once, in the order of a model with one layer whose FFN is routed, for one token of each of T streams. */
final class MiniLayer {
    private static final int MODEL = 64;
    private static final int VOCABULARY = 100;
    private static final int PAGE = 4;
    private static final int PAGES = 8;

    /** One kernel of the pass. */
    record Step(String name, Runnable operation) {}

    private final Side side;
    private final int rows;
    private final AttentionSpec attention = new AttentionSpec(4, 2, 16, 0.25f, true, 0, 0);
    private final NormSpec norm = new NormSpec(NormSpec.Kind.RMS, 1e-5f, 0);
    private final RopeSpec rope = new RopeSpec(16, 16, RopeSpec.Pairing.HALVES);
    private final Tensor ids;
    private final Tensor positions;
    private final RowBatch batch;
    private final Tensor embedding;
    private final Tensor gain;
    private final Tensor angles;
    private final Tensor fused;
    private final Tensor projection;
    private final Tensor router;
    private final FfnWeights ffn;
    private final Tensor keys;
    private final Tensor values;
    private final Tensor x;
    private final Tensor normed;
    private final Tensor qkv;
    private final Tensor queries;
    private final Tensor newKeys;
    private final Tensor newValues;
    private final Tensor attended;
    private final Tensor scores;
    private final Tensor thresholds;
    private final ExpertSelection selection;
    private final Tensor logits;
    private final Tensor picked;
    private final Tensor gathered;
    private final Step[] steps;

    MiniLayer(Side side, int rows, DType weights) {
        this.side = side;
        this.rows = rows;
        RandomGenerator random = side.random();
        ids = side.integers("ids", rows, 1).undefined().tensor();
        positions = side.integers("positions", rows, 1).undefined().tensor();
        Tensor sequences = side.input(Contract.range(0, rows), rows, 1);
        Tensor pages = side.input(Values.shuffled(random, rows * PAGES), rows, PAGES);
        batch = new RowBatch(positions, sequences, pages, PAGE);
        embedding = side.weight(RandomWeights.matrix(DType.F32, VOCABULARY, MODEL, random));
        gain = side.input(Values.normal(random, MODEL), 1, MODEL);
        angles = side.input(Values.normal(random, PAGE * PAGES * 16), PAGE * PAGES, 16);
        fused = side.weight(RandomWeights.matrix(weights, 128, MODEL, random));
        projection = side.weight(RandomWeights.matrix(weights, MODEL, MODEL, random));
        router = side.weight(RandomWeights.matrix(DType.F32, 8, MODEL, random));
        FfnSpec spec = new FfnSpec(MODEL, 256, 32, Activation.SILU, true);
        ffn = side.ffn(new FfnData(
                spec,
                RandomWeights.matrix(weights, 256, MODEL, random),
                RandomWeights.matrix(weights, 256, MODEL, random),
                RandomWeights.matrix(weights, MODEL, 256, random),
                null,
                null));
        keys = scratch("keys", rows * PAGE * PAGES, 32);
        values = scratch("values", rows * PAGE * PAGES, 32);
        x = scratch("x", rows, MODEL);
        normed = scratch("normed", rows, MODEL);
        qkv = scratch("qkv", rows, 128);
        queries = qkv.columnRange(0, 64);
        newKeys = qkv.columnRange(64, 96);
        newValues = qkv.columnRange(96, 128);
        attended = scratch("attended", rows, MODEL);
        scores = scratch("scores", rows, 8);
        float[] above = new float[rows];
        for (int t = 0; t < rows; t++) {
            above[t] = t % 2 == 0 ? 0.5f : 2; // the odd rows run nothing
        }
        thresholds = side.input(above, rows, 1);
        selection = new ExpertSelection(
                side.integers("experts", rows, 8).undefined().tensor(),
                side.integers("counts", rows, 1).undefined().tensor());
        logits = scratch("logits", rows, VOCABULARY);
        picked = side.integers("picked", rows, 1).undefined().tensor();
        gathered = scratch("gathered", rows, MODEL);
        steps = operations();
    }

    private Tensor scratch(String name, int rows, int columns) {
        return side.output(name, rows, columns).undefined().tensor();
    }

    /** What the host writes before each pass. */
    void token(int position, int seed) {
        int[] id = new int[rows];
        int[] at = new int[rows];
        for (int t = 0; t < rows; t++) {
            id[t] = (seed * 31 + t * 7) % VOCABULARY;
            at[t] = position;
        }
        side.queue().write(ids, id);
        side.queue().write(positions, at);
    }

    void pass() {
        for (Step step : steps) {
            step.operation.run();
        }
    }

    Step[] steps() {
        return steps;
    }

    private Step[] operations() {
        KernelQueue queue = side.queue();
        return new Step[] {
            new Step("embed", () -> queue.embed(x, embedding, ids, 2, Write.SET)),
            new Step("norm", () -> queue.norm(normed, x, gain, null, norm)),
            new Step("linear", () -> queue.linear(qkv, normed, fused, null, Write.SET)),
            new Step("rope", () -> queue.rope(queries, positions, angles, rope)),
            new Step("rope", () -> queue.rope(newKeys, positions, angles, rope)),
            new Step("appendKeyValue", () -> queue.appendKeyValue(keys, values, newKeys, newValues, batch)),
            new Step("attention", () -> queue.attention(attended, queries, keys, values, batch, attention)),
            new Step("linear", () -> queue.linear(x, attended, projection, null, Write.ADD)),
            new Step("norm", () -> queue.norm(normed, x, gain, null, norm)),
            new Step("routerScores", () -> queue.routerScores(scores, normed, router)),
            new Step("selectExperts", () -> queue.selectExperts(selection, scores, thresholds)),
            new Step("sparseFfn", () -> queue.sparseFfn(x, normed, ffn, selection, Write.ADD)),
            new Step("denseFfn", () -> queue.denseFfn(x, normed, ffn, Write.ADD)),
            new Step("gatherRows", () -> queue.gatherRows(gathered, x, batch.sequences())),
            new Step("add", () -> queue.add(x, gathered)),
            new Step("activate", () -> queue.activate(gathered, Activation.GELU)),
            new Step("linear", () -> queue.linear(logits, x, embedding, null, Write.SET)),
            new Step("softcap", () -> queue.softcap(logits, 30)),
            new Step("argmax", () -> queue.argmax(picked, logits))
        };
    }

    float[] logits() {
        return side.read(logits);
    }
}

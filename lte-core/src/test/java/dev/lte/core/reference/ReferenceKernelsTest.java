package dev.lte.core.reference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.lte.backend.Activation;
import dev.lte.backend.AttentionSpec;
import dev.lte.backend.Backend;
import dev.lte.backend.BackendOptions;
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
import dev.lte.backend.WeightData;
import dev.lte.backend.Write;
import dev.lte.core.contract.RandomWeights;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What the kernels compute, by hand. */
class ReferenceKernelsTest {
    private final Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());
    private final KernelQueue queue = backend.openQueue();

    @AfterEach
    void close() {
        queue.close();
        backend.close();
    }

    @Test
    void embedsScaledRows() {
        Tensor out = tensor(2, 2, 10, 20, 30, 40);
        Tensor table = tensor(3, 2, 1, 2, 3, 4, 5, 6);
        queue.embed(out, table, integers(2, 1), 0.5f, Write.SET);
        assertThat(read(out)).containsExactly(2.5f, 3, 1.5f, 2);
        queue.embed(out, table, integers(0, 9), 1, Write.ADD);
        assertThat(read(out)).containsExactly(3.5f, 5, 6.5f, 8);
    }

    /** The mean square of (3, 4) is 12.5; the variance around 3.5 is 0.25. */
    @Test
    void normalises() {
        Tensor x = tensor(1, 2, 3, 4);
        Tensor out = tensor(1, 2, 0, 0);
        Tensor weight = tensor(1, 2, 2, 10);
        queue.norm(out, x, weight, null, new NormSpec(NormSpec.Kind.RMS, 0, 0));
        float root = (float) Math.sqrt(12.5);
        assertClose(out, 6 / root, 40 / root);
        queue.norm(out, x, weight, null, new NormSpec(NormSpec.Kind.RMS, 3.5f, 1));
        assertClose(out, 9f / 4, 44f / 4);
        queue.norm(out, x, weight, tensor(1, 2, 100, 200), new NormSpec(NormSpec.Kind.LAYER, 0, 0));
        assertClose(out, 98, 210);
        queue.norm(out, x, tensor(1, 1, 5), null, new NormSpec(NormSpec.Kind.RMS, 0, 0));
        assertClose(out, 5, 5);
    }

    @Test
    void multiplies() {
        Tensor out = tensor(2, 3, 1, 1, 1, 1, 1, 1);
        Tensor x = tensor(2, 2, 1, 2, -3, 4);
        Tensor weight = tensor(3, 2, 1, 0, 0, 1, 5, -5);
        queue.linear(out, x, weight, tensor(1, 3, 10, 20, 30), Write.SET);
        assertThat(read(out)).containsExactly(11, 22, 25, 7, 24, -5);
        queue.linear(out, x, weight, null, Write.ADD);
        assertThat(read(out)).containsExactly(12, 24, 20, 4, 28, -40);
    }

    /** Scale 0.5; the stored codes count up from -16. */
    @Test
    void decodesBlocks() {
        byte[] q8 = new byte[34];
        q8[1] = 0x38; // 0.5 in F16, little-endian
        for (int i = 0; i < 32; i++) {
            q8[2 + i] = (byte) (i - 16);
        }
        Tensor weight = backend.weight(new WeightData("w", DType.Q8_0, 1, 32, MemorySegment.ofArray(q8)));
        float[] values = read(weight);
        assertThat(values[0]).isEqualTo(-8);
        assertThat(values[17]).isEqualTo(0.5f);
        float[] x = new float[32];
        x[0] = 1;
        x[31] = 2;
        Tensor out = tensor(1, 1, 0);
        queue.linear(out, tensor(1, 32, x), weight, null, Write.SET);
        assertThat(read(out)).containsExactly(-8 + 15);
    }

    /** A quarter turn takes (a, b) to (-b, a); no turn leaves them. */
    @Test
    void rotates() {
        Tensor table = tensor(2, 4, 1, 0, 1, 0, 0, 1, 1, 0);
        Tensor halves = tensor(1, 5, 1, 2, 3, 4, 5);
        queue.rope(halves, integers(1), table, new RopeSpec(5, 4, RopeSpec.Pairing.HALVES));
        assertThat(read(halves)).containsExactly(-3, 2, 1, 4, 5);
        Tensor adjacent = tensor(2, 4, 1, 2, 3, 4, 1, 2, 3, 4);
        queue.rope(adjacent, integers(1, 0), table, new RopeSpec(4, 4, RopeSpec.Pairing.ADJACENT));
        assertThat(read(adjacent)).containsExactly(-2, 1, 3, 4, 1, 2, 3, 4);
    }

    /** Keys 0, ln 2, ln 4 and a query of 1 weigh the values 1 : 2 : 4. Position 2 is on the second page, which is page 0. */
    @Test
    void attendsToCachedPositions() {
        float ln2 = (float) Math.log(2);
        Tensor keys = backend.allocate(DType.F32, 4, 1);
        Tensor values = backend.allocate(DType.F32, 4, 1);
        RowBatch rows = new RowBatch(integers(0, 1, 2), integers(0, 0, 0), line(1, 0), 2);
        queue.appendKeyValue(keys, values, tensor(3, 1, 0, ln2, 2 * ln2), tensor(3, 1, 7, 14, 28), rows);
        assertThat(read(values)).containsExactly(28, 0, 7, 14);
        Tensor out = tensor(3, 1, 0, 0, 0);
        Tensor q = tensor(3, 1, 1, 1, 1);
        queue.attention(out, q, keys, values, rows, new AttentionSpec(1, 1, 1, 1, true, 0, 0));
        assertClose(out, 7, (7 + 28) / 3f, (7 + 28 + 112) / 7f);
        queue.attention(out, q, keys, values, rows, new AttentionSpec(1, 1, 1, 1, true, 2, 0));
        assertClose(out, 7, (7 + 28) / 3f, (14 + 56) / 3f);
        queue.attention(out, q, keys, values, rows, new AttentionSpec(1, 1, 1, 1, false, 0, 0));
        assertClose(out, 21, 21, 21);
        // Without a scale, all positions weigh the same; a tiny cap does the same.
        queue.attention(out, q, keys, values, rows, new AttentionSpec(1, 1, 1, 0, true, 0, 0));
        assertClose(out, 7, 10.5f, 49 / 3f);
        queue.attention(out, q, keys, values, rows, new AttentionSpec(1, 1, 1, 1, true, 0, 1e-9f));
        assertClose(out, 7, 10.5f, 49 / 3f);
    }

    /** Heads 0 and 1 read key/value head 0, heads 2 and 3 head 1. */
    @Test
    void sharesKeyValueHeads() {
        Tensor out = tensor(3, 4, new float[12]);
        Tensor q = tensor(3, 4, new float[12]);
        Tensor k = tensor(3, 2, new float[6]);
        Tensor v = tensor(3, 2, 1, 10, 3, 30, 100, 1000);
        AttentionSpec spec = new AttentionSpec(4, 2, 1, 1, true, 0, 0);
        queue.selfAttention(out, q, k, v, integers(0, 2, 3), spec);
        assertClose(out, 1, 1, 10, 10, 2, 2, 20, 20, 100, 100, 1000, 1000);
    }

    @Test
    void addsActivatesAndCaps() {
        Tensor x = tensor(1, 3, -1, 0, 2);
        queue.add(x, tensor(1, 3, 1, 1, 1));
        assertThat(read(x)).containsExactly(0, 1, 3);
        queue.softcap(x, 2);
        assertClose(x, 0, 2 * (float) Math.tanh(0.5), 2 * (float) Math.tanh(1.5));
        assertActivation(Activation.RELU, 0, 0, 2);
        assertActivation(Activation.TANH, -0.76159416f, 0, 0.9640276f);
        assertActivation(Activation.SILU, -0.26894143f, 0, 1.7615942f);
        // Normal distribution function: Phi(1) = 0.8413447, Phi(2) = 0.9772499.
        assertActivation(Activation.GELU, -0.15865526f, 0, 1.9544997f);
        assertActivation(Activation.GELU_TANH, -0.15880801f, 0, 1.9545977f);
    }

    private void assertActivation(Activation activation, float... expected) {
        Tensor x = tensor(1, 3, -1, 0, 2);
        queue.activate(x, activation);
        assertClose(x, expected);
    }

    /** From tables; the fraction takes over at 2.5. */
    @Test
    void knowsTheErrorFunction() {
        assertThat(ReferenceMath.erfc(0)).isEqualTo(1);
        assertThat(ReferenceMath.erfc(0.5)).isCloseTo(0.4795001221869535, within(1e-15));
        assertThat(ReferenceMath.erfc(1)).isCloseTo(0.15729920705028513, within(1e-15));
        assertThat(ReferenceMath.erfc(-1)).isCloseTo(1.8427007929497148, within(1e-15));
        assertThat(ReferenceMath.erfc(2)).isCloseTo(0.004677734981047266, within(1e-15));
        assertThat(ReferenceMath.erfc(3)).isCloseTo(2.209049699858544e-5, within(1e-18));
        assertThat(ReferenceMath.erfc(5)).isCloseTo(1.5374597944280349e-12, within(1e-25));
        double below = ReferenceMath.erfc(Math.nextDown(2.5));
        assertThat(ReferenceMath.erfc(2.5)).isCloseTo(below, within(1e-15));
    }

    @Test
    void gathersRowsAndFindsMaxima() {
        Tensor out = tensor(2, 2, 0, 0, 0, 0);
        queue.gatherRows(out, tensor(3, 2, 1, 2, 3, 4, 5, 6), integers(2, 0));
        assertThat(read(out)).containsExactly(5, 6, 1, 2);
        Tensor ids = integers(9, 9);
        queue.argmax(ids, tensor(2, 3, 1, 5, 5, Float.NaN, -2, -3));
        assertThat(readIntegers(ids)).containsExactly(1, 1);
    }

    @Test
    void scoresAndSelects() {
        Tensor scores = tensor(1, 3, 0, 0, 0);
        Tensor router = tensor(3, 2, 0, 0, 1, 1, -1, 0);
        queue.routerScores(scores, tensor(1, 2, (float) Math.log(3), 0), router);
        assertClose(scores, 0.5f, 0.75f, 0.25f);
        ExpertSelection selection = new ExpertSelection(line(7, 7, 7), integers(7));
        queue.write(scores, new float[] {0.5f, 0.75f, 0.25f});
        select(selection, scores, 0.5f, 1, 1);
        select(selection, scores, 0.25f, 2, 0, 1);
        select(selection, scores, -1, 3, 0, 1, 2);
        select(selection, scores, 1, 0);
    }

    private void select(ExpertSelection selection, Tensor scores, float threshold, int count, int... experts) {
        queue.selectExperts(selection, scores, tensor(1, 1, threshold));
        assertThat(readIntegers(selection.counts())).containsExactly(count);
        assertThat(Arrays.copyOf(readIntegers(selection.experts()), count)).containsExactly(experts);
    }

    /** Two experts of one neuron: relu(x0) and relu(x1), each times its up, out to both columns by its down. */
    @Test
    void runsFeedForwardBlocks() {
        FfnSpec gated = new FfnSpec(2, 2, 1, Activation.RELU, true);
        WeightData gate = RandomWeights.floats(2, 2, new float[] {1, 0, 0, 1});
        WeightData up = RandomWeights.floats(2, 2, new float[] {2, 0, 0, 3});
        WeightData down = RandomWeights.floats(2, 2, new float[] {1, 10, 100, 1000});
        FfnWeights weights = backend.ffn(new FfnData(gated, gate, up, down, null, null));
        Tensor x = tensor(1, 2, 1, 2);
        Tensor y = tensor(1, 2, 0, 0);
        queue.denseFfn(y, x, weights, Write.SET); // hidden (1 * 2, 2 * 6)
        assertThat(read(y)).containsExactly(2 + 120, 200 + 12_000);
        ExpertSelection second = new ExpertSelection(line(1, 55), integers(1));
        queue.sparseFfn(y, x, weights, second, Write.SET);
        assertThat(read(y)).containsExactly(120, 12_000);
        queue.sparseFfn(y, x, weights, new ExpertSelection(second.experts(), integers(0)), Write.ADD);
        assertThat(read(y)).containsExactly(120, 12_000);

        FfnSpec plain = new FfnSpec(2, 2, 1, Activation.RELU, false);
        WeightData upBias = RandomWeights.floats(1, 2, new float[] {1, -7});
        WeightData downBias = RandomWeights.floats(1, 2, new float[] {0.5f, 0.25f});
        FfnWeights biased = backend.ffn(new FfnData(plain, null, up, down, upBias, downBias));
        queue.denseFfn(y, x, biased, Write.SET); // hidden (2 + 1, relu(6 - 7))
        assertThat(read(y)).containsExactly(3.5f, 300.25f);
        queue.sparseFfn(y, x, biased, second, Write.SET);
        assertThat(read(y)).containsExactly(0.5f, 0.25f);
    }

    private Tensor tensor(int rows, int columns, float... values) {
        Tensor tensor = backend.allocate(DType.F32, rows, columns);
        queue.write(tensor, values);
        return tensor;
    }

    private Tensor integers(int... values) {
        Tensor tensor = backend.allocate(DType.I32, values.length, 1);
        queue.write(tensor, values);
        return tensor;
    }

    private Tensor line(int... values) {
        Tensor tensor = backend.allocate(DType.I32, 1, values.length);
        queue.write(tensor, values);
        return tensor;
    }

    private float[] read(Tensor tensor) {
        float[] values = new float[tensor.rows() * tensor.columns()];
        queue.read(tensor, values);
        return values;
    }

    private int[] readIntegers(Tensor tensor) {
        int[] values = new int[tensor.rows() * tensor.columns()];
        queue.read(tensor, values);
        return values;
    }

    /** Within a few roundings to F32 of the largest value. */
    private void assertClose(Tensor tensor, float... expected) {
        assertThat(read(tensor)).containsExactly(expected, within(2e-7f * largest(expected)));
    }

    private static float largest(float[] values) {
        float largest = 1;
        for (float value : values) {
            largest = Math.max(largest, Math.abs(value));
        }
        return largest;
    }
}

package dev.lte.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.backend.Activation;
import dev.lte.backend.AttentionSpec;
import dev.lte.backend.BackendOptions;
import dev.lte.backend.DType;
import dev.lte.backend.Gating;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.NormSpec;
import dev.lte.backend.Tensor;
import dev.lte.backend.TrainingKernels;
import dev.lte.backend.Write;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Training gives the same bits whatever the number of threads, so that a run can go on on another machine. */
class TrainingThreadsTest {
    private static final int ROWS = 331;
    private static final int WIDTH = 96;

    @Test
    void resultsDoNotDependOnTheNumberOfThreads() {
        List<float[]> one = run(1);
        for (int threads : new int[] {2, 3, 5}) {
            List<float[]> several = run(threads);
            for (int i = 0; i < one.size(); i++) {
                assertThat(several.get(i))
                        .as("result %s with %s threads, seed 7", i, threads)
                        .containsExactly(one.get(i));
            }
        }
    }

    private static List<float[]> run(int threads) {
        SplittableRandom random = new SplittableRandom(7);
        List<float[]> results = new ArrayList<>();
        try (CpuBackend backend = new CpuBackend(new BackendOptions(threads, 0));
                KernelQueue queue = backend.openQueue()) {
            TrainingKernels k = queue.training();
            assertThat(k).isNotNull();
            Tensor x = matrix(backend, queue, random, ROWS, WIDTH);
            Tensor dout = matrix(backend, queue, random, ROWS, WIDTH);
            Tensor gate = matrix(backend, queue, random, ROWS, WIDTH);
            Tensor weight = matrix(backend, queue, random, WIDTH, WIDTH);
            Tensor vector = matrix(backend, queue, random, 1, WIDTH);
            Tensor rowWeights = matrix(backend, queue, random, ROWS, 1);
            Tensor y = matrix(backend, queue, random, ROWS, WIDTH);
            Tensor dq = matrix(backend, queue, random, ROWS, WIDTH);
            Tensor dk = matrix(backend, queue, random, ROWS, WIDTH / 2);
            Tensor dv = matrix(backend, queue, random, ROWS, WIDTH / 2);
            Tensor dweight = matrix(backend, queue, random, WIDTH, WIDTH);
            Tensor dvector = matrix(backend, queue, random, 1, WIDTH);
            Tensor scores = matrix(backend, queue, random, ROWS, 3);
            Tensor dscores = matrix(backend, queue, random, ROWS, 3);
            Tensor dbias = matrix(backend, queue, random, 1, WIDTH);
            Tensor statistics = matrix(backend, queue, random, ROWS, 2);
            Tensor logSumExp = matrix(backend, queue, random, ROWS, 6);
            Tensor scalar = matrix(backend, queue, random, 1, 1);
            Tensor ids = backend.allocate(DType.I32, ROWS, 1);
            Tensor starts = backend.allocate(DType.I32, 3, 1);
            queue.write(ids, random.ints(ROWS, 0, WIDTH).toArray());
            queue.write(starts, new int[] {0, 100, ROWS});
            NormSpec norm = new NormSpec(NormSpec.Kind.LAYER, 1e-5f, 0);
            AttentionSpec attention = new AttentionSpec(6, 3, 16, 0.25f, true, 0, 0);
            Tensor keys = gate.columnRange(0, WIDTH / 2);
            Tensor values = gate.columnRange(WIDTH / 2, WIDTH);

            k.linear(y, x, weight, vector, Write.SET);
            results.add(read(queue, y));
            k.linearBackwardInput(y, dout, weight, Write.ADD);
            results.add(read(queue, y));
            k.linearBackwardWeight(dweight, dvector, dout, x);
            k.embedBackward(dweight, dout, ids, 1);
            k.norm(y, statistics, x, vector, vector, norm);
            k.normBackward(y, dvector, dbias, dout, x, statistics, vector, norm, Write.ADD);
            results.add(read(queue, dweight));
            results.add(read(queue, dvector));
            results.add(read(queue, dbias));
            results.add(read(queue, y));
            k.attention(y, logSumExp, x, keys, values, starts, attention);
            results.add(read(queue, y));
            k.attentionBackward(dq, dk, dv, dout, y, logSumExp, x, keys, values, starts, attention);
            results.add(read(queue, dq));
            results.add(read(queue, dk));
            results.add(read(queue, dv));
            k.ffnActivationBackward(y, dq, dscores, dout, gate, x, scores, Activation.SILU, Gating.SOFT);
            results.add(read(queue, dscores));
            k.addSquares(scalar, List.of(y, x, dweight));
            k.crossEntropy(scalar, y, gate, ids, rowWeights);
            results.add(read(queue, scalar));
            results.add(read(queue, y));
        }
        return results;
    }

    private static Tensor matrix(
            CpuBackend backend, KernelQueue queue, SplittableRandom random, int rows, int columns) {
        float[] values = new float[rows * columns];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        Tensor tensor = backend.allocate(DType.F32, rows, columns);
        queue.write(tensor, values);
        return tensor;
    }

    private static float[] read(KernelQueue queue, Tensor tensor) {
        float[] values = new float[tensor.rows() * tensor.columns()];
        queue.read(tensor, values);
        return values;
    }
}

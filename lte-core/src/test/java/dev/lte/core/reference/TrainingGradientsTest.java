package dev.lte.core.reference;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.backend.Activation;
import dev.lte.backend.AttentionSpec;
import dev.lte.backend.Gating;
import dev.lte.backend.NormSpec;
import dev.lte.backend.RopeSpec;
import dev.lte.backend.Tensor;
import dev.lte.backend.TopKSpec;
import dev.lte.backend.TrainingKernels;
import dev.lte.backend.Write;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Every layer step of training has the gradient that its forward operation implies. */
class TrainingGradientsTest {
    @Test
    void embedding() {
        try (GradientCheck check = new GradientCheck(1)) {
            TrainingKernels k = check.kernels();
            Tensor table = check.values(4, 3);
            Tensor ids = check.integers(2, 0, 2, 3, 2, -7, 99);
            Tensor out = check.zeros(7, 3);
            Tensor dout = check.gradientOf(out);
            Tensor dtable = check.zeros(4, 3);
            k.embedBackward(dtable, dout, ids, 1.5f);
            check.check("table", table, dtable, () -> k.embed(out, table, ids, 1.5f, Write.SET));
        }
    }

    @Test
    void linear() {
        try (GradientCheck check = new GradientCheck(2)) {
            TrainingKernels k = check.kernels();
            Tensor x = check.values(5, 3);
            Tensor weight = check.values(4, 3);
            Tensor bias = check.values(1, 4);
            Tensor out = check.zeros(5, 4);
            Tensor dout = check.gradientOf(out);
            Tensor dx = check.zeros(5, 3);
            Tensor dweight = check.zeros(4, 3);
            Tensor dbias = check.zeros(1, 4);
            k.linearBackwardInput(dx, dout, weight, Write.SET);
            k.linearBackwardWeight(dweight, dbias, dout, x);
            Runnable forward = () -> k.linear(out, x, weight, bias, Write.SET);
            check.check("x", x, dx, forward);
            check.check("weight", weight, dweight, forward);
            check.check("bias", bias, dbias, forward);
        }
    }

    @Test
    void parameterGradientsAccumulateAndInputGradientsAddUpIfAsked() {
        try (GradientCheck check = new GradientCheck(3)) {
            TrainingKernels k = check.kernels();
            Tensor x = check.values(5, 3);
            Tensor weight = check.values(4, 3);
            Tensor dout = check.values(5, 4);
            Tensor dx = check.zeros(5, 3);
            Tensor dweight = check.zeros(4, 3);
            k.linearBackwardInput(dx, dout, weight, Write.SET);
            k.linearBackwardWeight(dweight, null, dout, x);
            float[] once = check.read(dx);
            float[] weightOnce = check.read(dweight);
            k.linearBackwardInput(dx, dout, weight, Write.SET);
            assertThat(check.read(dx)).containsExactly(once);
            k.linearBackwardInput(dx, dout, weight, Write.ADD);
            k.linearBackwardWeight(dweight, null, dout, x);
            for (int i = 0; i < once.length; i++) {
                assertThat(check.read(dx)[i]).isEqualTo(2 * once[i]);
            }
            for (int i = 0; i < weightOnce.length; i++) {
                assertThat(check.read(dweight)[i]).isCloseTo(2 * weightOnce[i], within(1e-5f));
            }
        }
    }

    @Test
    void norms() {
        for (NormSpec.Kind kind : NormSpec.Kind.values()) {
            for (int groups : new int[] {1, 3}) {
                norm(new NormSpec(kind, 1e-2f, 0), groups);
                norm(new NormSpec(kind, 1e-2f, 1), groups);
            }
        }
    }

    private static void norm(NormSpec spec, int groups) {
        try (GradientCheck check = new GradientCheck(4)) {
            TrainingKernels k = check.kernels();
            int columns = 5 * groups;
            Tensor x = check.values(3, columns);
            Tensor branch = check.values(3, columns);
            Tensor weight = check.values(1, 5);
            Tensor bias = check.values(1, 5);
            Tensor sum = check.zeros(3, columns);
            Tensor out = check.zeros(3, columns);
            Tensor statistics = check.zeros(3, 2 * groups);
            Runnable forward = () -> k.addNorm(out, statistics, sum, x, branch, weight, bias, spec);
            forward.run();
            Tensor dout = check.gradientOf(out);
            // The residual stream goes on behind the norm: its gradient is there first, the norm's is added.
            Tensor dsum = check.write(check.read(check.gradientOf(sum)), 3, columns);
            Tensor dweight = check.zeros(1, 5);
            Tensor dbias = check.zeros(1, 5);
            k.normBackward(dsum, dweight, dbias, dout, sum, statistics, weight, spec, Write.ADD);
            String what = spec + ", groups " + groups;
            check.check(what + ", x", x, dsum, forward);
            check.check(what + ", branch", branch, dsum, forward);
            check.check(what + ", weight", weight, dweight, forward);
            check.check(what + ", bias", bias, dbias, forward);
        }
    }

    @Test
    void rope() {
        for (RopeSpec.Pairing pairing : RopeSpec.Pairing.values()) {
            try (GradientCheck check = new GradientCheck(5)) {
                TrainingKernels k = check.kernels();
                RopeSpec spec = new RopeSpec(6, 4, pairing);
                float[] angles = new float[4 * 4];
                for (int i = 0; i < angles.length; i += 2) {
                    angles[i] = (float) Math.cos(i);
                    angles[i + 1] = (float) Math.sin(i);
                }
                Tensor table = check.write(angles, 4, 4);
                Tensor positions = check.integers(0, 3, 1);
                Tensor x = check.values(3, 12);
                Tensor out = check.zeros(3, 12);
                Tensor dx = check.write(check.read(check.gradientOf(out)), 3, 12);
                k.ropeBackward(dx, positions, table, spec);
                check.check(pairing + ", x", x, dx, () -> {
                    k.copy(out, x);
                    k.rope(out, positions, table, spec);
                });
            }
        }
    }

    @Test
    void attention() {
        for (boolean causal : new boolean[] {true, false}) {
            for (int window : new int[] {0, 2}) {
                for (float softcap : new float[] {0, 3}) {
                    attention(new AttentionSpec(4, 2, 3, 0.6f, causal, window, softcap), 0, 4, 4, 6);
                    attention(new AttentionSpec(2, 2, 2, 0.6f, causal, window, softcap), 1, 5);
                }
            }
        }
    }

    /** One row more than the sequences have lies behind them. */
    private static void attention(AttentionSpec spec, int... sequenceStarts) {
        try (GradientCheck check = new GradientCheck(6)) {
            TrainingKernels kernels = check.kernels();
            int rows = sequenceStarts[sequenceStarts.length - 1] + 1;
            int columns = spec.heads() * spec.headSize();
            int keyColumns = spec.keyValueHeads() * spec.headSize();
            Tensor starts = check.integers(sequenceStarts);
            Tensor q = check.values(rows, columns);
            Tensor k = check.values(rows, keyColumns);
            Tensor v = check.values(rows, keyColumns);
            Tensor out = check.zeros(rows, columns);
            Tensor logSumExp = check.zeros(rows, spec.heads());
            Tensor dout = check.gradientOf(out);
            Tensor dq = check.values(rows, columns);
            Tensor dk = check.values(rows, keyColumns);
            Tensor dv = check.values(rows, keyColumns);
            Runnable forward = () -> kernels.attention(out, logSumExp, q, k, v, starts, spec);
            forward.run();
            kernels.attentionBackward(dq, dk, dv, dout, out, logSumExp, q, k, v, starts, spec);
            check.check(spec + ", q", q, dq, forward);
            check.check(spec + ", k", k, dk, forward);
            check.check(spec + ", v", v, dv, forward);
        }
    }

    @Test
    void activationsOfPlainAndGatedNeurons() {
        for (Activation activation : Activation.values()) {
            for (boolean gated : new boolean[] {true, false}) {
                activation(activation, gated, Gating.NONE);
                activation(activation, gated, Gating.SOFT);
                activation(activation, gated, Gating.hard(0.5f));
                activation(activation, gated, Gating.straightThrough(0.5f));
            }
        }
    }

    private static void activation(Activation activation, boolean gated, Gating gating) {
        try (GradientCheck check = new GradientCheck(7)) {
            TrainingKernels k = check.kernels();
            Tensor gate = gated ? check.values(3, 8) : null;
            Tensor up = check.values(3, 8);
            Tensor scores = gating.mode() == Gating.Mode.NONE ? null : check.scores(3, 4);
            boolean toScores = gating.mode() == Gating.Mode.SOFT || gating.mode() == Gating.Mode.STRAIGHT_THROUGH;
            Tensor hidden = check.zeros(3, 8);
            Tensor dhidden = check.gradientOf(hidden);
            Tensor dgate = gated ? check.zeros(3, 8) : null;
            Tensor dup = check.zeros(3, 8);
            Tensor dscores = toScores ? check.values(3, 4) : null;
            k.ffnActivationBackward(dgate, dup, dscores, dhidden, gate, up, scores, activation, gating);
            Runnable forward = () -> k.ffnActivation(hidden, gate, up, scores, activation, gating);
            String what = activation + (gated ? " gated, " : ", ") + gating;
            check.check(what + ", up", up, dup, forward);
            checkIfPresent(check, what + ", gate", gate, dgate, forward);
            // Straight through: the forward operation is that of hard gating, the gradient that of soft gating.
            checkIfPresent(
                    check,
                    what + ", scores",
                    toScores ? scores : null,
                    dscores,
                    () -> k.ffnActivation(hidden, gate, up, scores, activation, Gating.SOFT));
        }
    }

    private static void checkIfPresent(
            GradientCheck check, String what, @Nullable Tensor x, @Nullable Tensor dx, Runnable forward) {
        if (x != null && dx != null) {
            check.check(what, x, dx, forward);
        }
    }

    @Test
    void routerScores() {
        try (GradientCheck check = new GradientCheck(8)) {
            TrainingKernels k = check.kernels();
            Tensor x = check.values(3, 4);
            Tensor router = check.values(5, 4);
            Tensor scores = check.zeros(3, 5);
            Tensor dlogits = check.zeros(3, 5);
            Tensor dx = check.zeros(3, 4);
            Tensor drouter = check.zeros(5, 4);
            Runnable forward = () -> k.routerScores(scores, x, router);
            forward.run();
            k.routerScoresBackward(dlogits, check.gradientOf(scores), scores);
            k.linearBackwardInput(dx, dlogits, router, Write.SET);
            k.linearBackwardWeight(drouter, null, dlogits, x);
            check.check("x", x, dx, forward);
            check.check("router", router, drouter, forward);
        }
    }

    @Test
    void noisyTopKScores() {
        try (GradientCheck check = new GradientCheck(9)) {
            TrainingKernels k = check.kernels();
            TopKSpec spec = new TopKSpec(2, 0.1f);
            // The second of each row is far enough from the third that neither noise nor differences make them change
            // places.
            Tensor logits = check.write(
                    new float[] {1, -1, 0, 2, -0.5f, -2, 0.1f, 1.5f, -1, 1, 0.5f, 3, -0.6f, -0.7f, -2}, 3, 5);
            Tensor scores = check.zeros(3, 5);
            Tensor dlogits = check.zeros(3, 5);
            Runnable forward = () -> k.topKScores(scores, logits, spec, 77);
            forward.run();
            float[] values = check.read(scores);
            for (int t = 0; t < 3; t++) {
                int running = 0;
                float sum = 0;
                for (int g = 0; g < 5; g++) {
                    running += values[5 * t + g] > 0 ? 1 : 0;
                    sum += values[5 * t + g];
                }
                assertThat(running).isEqualTo(2);
                assertThat(sum).isEqualTo(2, within(1e-5f));
            }
            k.topKScoresBackward(dlogits, check.gradientOf(scores), scores, 2);
            check.check("logits", logits, dlogits, forward);
        }
    }

    private static org.assertj.core.data.Offset<Float> within(float offset) {
        return org.assertj.core.data.Offset.offset(offset);
    }
}

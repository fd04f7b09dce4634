package dev.lte.backend;

import static dev.lte.backend.KernelChecks.f32;
import static dev.lte.backend.KernelChecks.fail;
import static dev.lte.backend.KernelChecks.shape;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** The shape and type checks of {@link TrainingKernels}, as {@link KernelChecks} are those of {@link Kernels}. */
public final class TrainingChecks {
    private TrainingChecks() {}

    /** Checks {@link TrainingKernels#embed}. */
    public static void embed(Tensor out, Tensor table, Tensor ids) {
        real("embed", "out", out);
        real("embed", "table", table, table.rows(), out.columns());
        ids("embed", ids, out.rows(), "table", table);
    }

    /** Checks {@link TrainingKernels#embedBackward}. */
    public static void embedBackward(Tensor dtable, Tensor dout, Tensor ids) {
        real("embedBackward", "dout", dout);
        shape("embedBackward", "dtable", dtable, DType.F32, dtable.rows(), dout.columns());
        ids("embedBackward", ids, dout.rows(), "dtable", dtable);
    }

    /** Checks {@link TrainingKernels#linear}. */
    public static void linear(Tensor out, Tensor x, Tensor weight, @Nullable Tensor bias) {
        real("linear", "out", out);
        real("linear", "weight", weight, out.columns(), weight.columns());
        factor("linear", "x", x, weight, out.rows(), weight.columns());
        if (bias != null) {
            real("linear", "bias", bias, 1, weight.rows());
        }
    }

    /** Checks {@link TrainingKernels#linearBackwardInput}. */
    public static void linearBackwardInput(Tensor dx, Tensor dout, Tensor weight) {
        real("linearBackwardInput", "dx", dx);
        real("linearBackwardInput", "weight", weight, weight.rows(), dx.columns());
        factor("linearBackwardInput", "dout", dout, weight, dx.rows(), weight.rows());
    }

    /** Checks {@link TrainingKernels#linearBackwardWeight}. */
    public static void linearBackwardWeight(Tensor dweight, @Nullable Tensor dbias, Tensor dout, Tensor x) {
        f32("linearBackwardWeight", "dweight", dweight);
        real("linearBackwardWeight", "x", x, x.rows(), dweight.columns());
        factor("linearBackwardWeight", "dout", dout, x, x.rows(), dweight.rows());
        if (dbias != null) {
            shape("linearBackwardWeight", "dbias", dbias, DType.F32, 1, dweight.rows());
        }
    }

    /** Checks {@link TrainingKernels#norm}. */
    public static void norm(Tensor out, Tensor statistics, Tensor x, Tensor weight, @Nullable Tensor bias) {
        norm("norm", "out", out, statistics, x, weight);
        if (bias != null) {
            real("norm", "bias", bias, 1, weight.columns());
        }
    }

    /** Checks {@link TrainingKernels#addNorm}. */
    public static void addNorm(
            Tensor out, Tensor statistics, Tensor sum, Tensor x, Tensor branch, Tensor weight, @Nullable Tensor bias) {
        norm("addNorm", "out", out, statistics, x, weight);
        real("addNorm", "sum", sum, x.rows(), x.columns());
        real("addNorm", "branch", branch, x.rows(), x.columns());
        if (bias != null) {
            real("addNorm", "bias", bias, 1, weight.columns());
        }
    }

    /** Checks {@link TrainingKernels#normBackward}. */
    public static void normBackward(
            Tensor dx,
            Tensor dweight,
            @Nullable Tensor dbias,
            Tensor dout,
            Tensor x,
            Tensor statistics,
            Tensor weight) {
        norm("normBackward", "dx", dx, statistics, x, weight);
        real("normBackward", "dout", dout, x.rows(), x.columns());
        shape("normBackward", "dweight", dweight, DType.F32, 1, weight.columns());
        if (dbias != null) {
            shape("normBackward", "dbias", dbias, DType.F32, 1, weight.columns());
        }
    }

    /** Checks {@link TrainingKernels#rope} and {@link TrainingKernels#ropeBackward}. */
    public static void rope(Tensor x, Tensor positions, Tensor table, RopeSpec spec) {
        real("rope", "x", x);
        if (x.columns() % spec.headSize() != 0) {
            fail("rope", "x", x.rows() + " x a multiple of the head size " + spec.headSize(), x);
        }
        ids("rope", positions, x.rows(), "table", table);
        shape("rope", "table", table, DType.F32, table.rows(), spec.rotated());
    }

    /** Checks {@link TrainingKernels#attention}. */
    public static void attention(
            Tensor out, Tensor logSumExp, Tensor q, Tensor k, Tensor v, Tensor starts, AttentionSpec spec) {
        attention("attention", out, logSumExp, q, k, v, starts, spec);
    }

    /** Checks {@link TrainingKernels#attentionBackward}. */
    public static void attentionBackward(
            Tensor dq,
            Tensor dk,
            Tensor dv,
            Tensor dout,
            Tensor out,
            Tensor logSumExp,
            Tensor q,
            Tensor k,
            Tensor v,
            Tensor starts,
            AttentionSpec spec) {
        attention("attentionBackward", out, logSumExp, q, k, v, starts, spec);
        real("attentionBackward", "dout", dout, out.rows(), out.columns());
        real("attentionBackward", "dq", dq, q.rows(), q.columns());
        real("attentionBackward", "dk", dk, k.rows(), k.columns());
        real("attentionBackward", "dv", dv, v.rows(), v.columns());
    }

    /** Checks {@link TrainingKernels#ffnActivation}. */
    public static void ffnActivation(
            Tensor hidden, @Nullable Tensor gate, Tensor up, @Nullable Tensor scores, Gating gating) {
        real("ffnActivation", "hidden", hidden, up.rows(), up.columns());
        gated("ffnActivation", gate, up, scores, gating);
    }

    /** Checks {@link TrainingKernels#ffnActivationBackward}. */
    public static void ffnActivationBackward(
            @Nullable Tensor dgate,
            Tensor dup,
            @Nullable Tensor dscores,
            Tensor dhidden,
            @Nullable Tensor gate,
            Tensor up,
            @Nullable Tensor scores,
            Gating gating) {
        gated("ffnActivationBackward", gate, up, scores, gating);
        real("ffnActivationBackward", "dhidden", dhidden, up.rows(), up.columns());
        real("ffnActivationBackward", "dup", dup, up.rows(), up.columns());
        if ((dgate == null) != (gate == null)) {
            throw new IllegalArgumentException(
                    "ffnActivationBackward: expected dgate exactly with gate, found only one of them");
        }
        if (dgate != null) {
            real("ffnActivationBackward", "dgate", dgate, up.rows(), up.columns());
        }
        if (dscores != null) {
            if (scores == null || gating.mode() == Gating.Mode.HARD) {
                throw new IllegalArgumentException(
                        "ffnActivationBackward: expected no dscores for gating " + gating.mode() + ", found some");
            }
            shape("ffnActivationBackward", "dscores", dscores, DType.F32, scores.rows(), scores.columns());
        }
    }

    /** Checks {@link TrainingKernels#routerScores}. */
    public static void routerScores(Tensor scores, Tensor x, Tensor router) {
        f32("routerScores", "scores", scores);
        real("routerScores", "router", router, scores.columns(), router.columns());
        factor("routerScores", "x", x, router, scores.rows(), router.columns());
    }

    /** Checks {@link TrainingKernels#routerScoresBackward}. */
    public static void routerScoresBackward(Tensor dlogits, Tensor dscores, Tensor scores) {
        real("routerScoresBackward", "dlogits", dlogits);
        shape("routerScoresBackward", "dscores", dscores, DType.F32, dlogits.rows(), dlogits.columns());
        shape("routerScoresBackward", "scores", scores, DType.F32, dlogits.rows(), dlogits.columns());
    }

    /** Checks {@link TrainingKernels#topKScores}. */
    public static void topKScores(Tensor scores, Tensor logits, TopKSpec spec) {
        f32("topKScores", "scores", scores);
        shape("topKScores", "logits", logits, DType.F32, scores.rows(), scores.columns());
        fits("topKScores", spec.k(), scores);
    }

    /** Checks {@link TrainingKernels#topKScoresBackward}. */
    public static void topKScoresBackward(Tensor dlogits, Tensor dscores, Tensor scores, int k) {
        real("topKScoresBackward", "dlogits", dlogits);
        shape("topKScoresBackward", "dscores", dscores, DType.F32, dlogits.rows(), dlogits.columns());
        shape("topKScoresBackward", "scores", scores, DType.F32, dlogits.rows(), dlogits.columns());
        fits("topKScoresBackward", k, scores);
    }

    private static void fits(String operation, int k, Tensor scores) {
        if (k < 1 || k > scores.columns()) {
            throw new IllegalArgumentException(
                    operation + ": expected 1 to " + scores.columns() + " experts to run, found " + k);
        }
    }

    /** Checks {@link TrainingKernels#routingLoss}. */
    public static void routingLoss(
            Tensor losses, @Nullable Tensor dscores, Tensor scores, Tensor rowWeights, @Nullable Tensor factors) {
        shape("routingLoss", "losses", losses, DType.F32, 1, 3);
        f32("routingLoss", "scores", scores);
        shape("routingLoss", "rowWeights", rowWeights, DType.F32, scores.rows(), 1);
        if ((dscores == null) != (factors == null)) {
            throw new IllegalArgumentException(
                    "routingLoss: expected factors exactly with dscores, found only one of them");
        }
        if (dscores != null && factors != null) {
            shape("routingLoss", "dscores", dscores, DType.F32, scores.rows(), scores.columns());
            shape("routingLoss", "factors", factors, DType.F32, 1, 2);
        }
    }

    /** Checks {@link TrainingKernels#crossEntropy}. */
    public static void crossEntropy(
            Tensor loss, @Nullable Tensor dlogits, Tensor logits, Tensor targets, Tensor rowWeights) {
        loss("crossEntropy", loss, logits, rowWeights);
        shape("crossEntropy", "targets", targets, DType.I32, logits.rows(), 1);
        if (dlogits != null) {
            real("crossEntropy", "dlogits", dlogits, logits.rows(), logits.columns());
        }
    }

    /** Checks {@link TrainingKernels#distillation}. */
    public static void distillation(
            Tensor loss, Tensor dlogits, Tensor logits, Tensor teacher, Tensor rowWeights, float temperature) {
        loss("distillation", loss, logits, rowWeights);
        real("distillation", "dlogits", dlogits, logits.rows(), logits.columns());
        real("distillation", "teacher", teacher, logits.rows(), logits.columns());
        positive("distillation", "temperature", temperature);
    }

    /** Checks {@link TrainingKernels#addSquares}. */
    public static void addSquares(Tensor sum, List<Tensor> tensors) {
        shape("addSquares", "sum", sum, DType.F32, 1, 1);
        for (int i = 0; i < tensors.size(); i++) {
            f32("addSquares", "every tensor", tensors.get(i));
        }
    }

    /** Checks {@link TrainingKernels#clipFactor}. */
    public static void clipFactor(Tensor factor, Tensor squares, float maxNorm) {
        shape("clipFactor", "factor", factor, DType.F32, 1, 1);
        shape("clipFactor", "squares", squares, DType.F32, 1, 1);
        positive("clipFactor", "maxNorm", maxNorm);
    }

    /** Checks {@link TrainingKernels#adamW}. */
    public static void adamW(List<ParameterState> parameters, Tensor factor, Tensor settings) {
        shape("adamW", "factor", factor, DType.F32, 1, 1);
        shape("adamW", "settings", settings, DType.F32, 1, 3);
        for (int i = 0; i < parameters.size(); i++) {
            ParameterState state = parameters.get(i);
            Tensor master = state.master();
            f32("adamW", "master", master);
            shape("adamW", "gradient", state.gradient(), DType.F32, master.rows(), master.columns());
            shape("adamW", "mean", state.mean(), DType.F32, master.rows(), master.columns());
            shape("adamW", "square", state.square(), DType.F32, master.rows(), master.columns());
            Tensor copy = state.copy();
            if (copy != null) {
                shape("adamW", "copy", copy, DType.BF16, master.rows(), master.columns());
            }
        }
    }

    /** Checks {@link TrainingKernels#fill}. */
    public static void fill(Tensor x) {
        real("fill", "x", x);
    }

    /** Checks {@link TrainingKernels#copy}. */
    public static void copy(Tensor out, Tensor x) {
        real("copy", "out", out);
        real("copy", "x", x, out.rows(), out.columns());
    }

    private static void norm(String operation, String name, Tensor out, Tensor statistics, Tensor x, Tensor weight) {
        real(operation, name, out);
        real(operation, "x", x, out.rows(), out.columns());
        real(operation, "weight", weight, 1, weight.columns());
        if (weight.columns() == 0 || out.columns() % weight.columns() != 0) {
            fail(operation, "weight", "1 x a divisor of " + out.columns(), weight);
        }
        shape(operation, "statistics", statistics, DType.F32, out.rows(), 2 * (out.columns() / weight.columns()));
    }

    private static void attention(
            String operation,
            Tensor out,
            Tensor logSumExp,
            Tensor q,
            Tensor k,
            Tensor v,
            Tensor starts,
            AttentionSpec spec) {
        real(operation, "out", out, out.rows(), spec.heads() * spec.headSize());
        shape(operation, "logSumExp", logSumExp, DType.F32, out.rows(), spec.heads());
        real(operation, "q", q, out.rows(), out.columns());
        real(operation, "k", k, out.rows(), spec.keyValueHeads() * spec.headSize());
        real(operation, "v", v, out.rows(), spec.keyValueHeads() * spec.headSize());
        shape(operation, "starts", starts, DType.I32, starts.rows(), 1);
        if (starts.rows() == 0) {
            fail(operation, "starts", "one row more than there are sequences", starts);
        }
    }

    private static void gated(
            String operation, @Nullable Tensor gate, Tensor up, @Nullable Tensor scores, Gating gating) {
        real(operation, "up", up);
        if (gate != null) {
            real(operation, "gate", gate, up.rows(), up.columns());
        }
        if ((scores == null) != (gating.mode() == Gating.Mode.NONE)) {
            throw new IllegalArgumentException(
                    operation + ": expected scores exactly with a gating other than NONE, found "
                            + (scores == null ? "none" : "some") + " with " + gating.mode());
        }
        if (scores != null) {
            shape(operation, "scores", scores, DType.F32, up.rows(), scores.columns());
            if (scores.columns() == 0 || up.columns() % scores.columns() != 0) {
                fail(operation, "scores", up.rows() + " x a divisor of " + up.columns(), scores);
            }
        }
    }

    private static void loss(String operation, Tensor loss, Tensor logits, Tensor rowWeights) {
        shape(operation, "loss", loss, DType.F32, 1, 1);
        real(operation, "logits", logits);
        shape(operation, "rowWeights", rowWeights, DType.F32, logits.rows(), 1);
    }

    private static void ids(String operation, Tensor ids, int rows, String tableName, Tensor table) {
        shape(operation, "ids", ids, DType.I32, rows, 1);
        if (table.rows() == 0) {
            fail(operation, tableName, "at least one row of " + table.columns() + " columns", table);
        }
    }

    private static void positive(String operation, String name, float value) {
        if (!(value > 0)) {
            throw new IllegalArgumentException(operation + ": expected " + name + " to be above 0, found " + value);
        }
    }

    /** The other factor of a product must have the same type. */
    private static void factor(String operation, String name, Tensor tensor, Tensor other, int rows, int columns) {
        shape(operation, name, tensor, other.dtype(), rows, columns);
    }

    private static void real(String operation, String name, Tensor tensor) {
        real(operation, name, tensor, tensor.rows(), tensor.columns());
    }

    /** F32 or BF16. */
    private static void real(String operation, String name, Tensor tensor, int rows, int columns) {
        boolean type = tensor.dtype() == DType.F32 || tensor.dtype() == DType.BF16;
        if (!type || tensor.rows() != rows || tensor.columns() != columns) {
            fail(operation, name, rows + " x " + columns + " F32 or BF16", tensor);
        }
    }
}

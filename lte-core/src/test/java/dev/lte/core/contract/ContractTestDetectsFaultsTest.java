package dev.lte.core.contract;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lte.backend.Activation;
import dev.lte.backend.AttentionSpec;
import dev.lte.backend.DType;
import dev.lte.backend.ExpertSelection;
import dev.lte.backend.FfnWeights;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.NormSpec;
import dev.lte.backend.RopeSpec;
import dev.lte.backend.RowBatch;
import dev.lte.backend.Tensor;
import dev.lte.backend.Write;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** A test that cannot fail proves nothing: each fault here, one a test author or a kernel author could make, must be found. */
class ContractTestDetectsFaultsTest {
    @TestFactory
    Stream<DynamicTest> finds() {
        return Stream.of(
                fault(
                        "embed without its scale",
                        "embed",
                        ContractTestDetectsFaultsTest::embedWithoutScale,
                        c -> c.embedsRowsOfTablesOfEveryType()),
                fault(
                        "embed that wraps ids",
                        "embed",
                        ContractTestDetectsFaultsTest::embedWrapped,
                        c -> c.clampsIdsIntoTheTable()),
                fault(
                        "norm without its weight offset",
                        "norm",
                        (q, a) -> q.norm(
                                t(a, 0), t(a, 1), t(a, 2), t(a, 3), new NormSpec(((NormSpec) a[4]).kind(), 1e-5f, 0)),
                        c -> c.normalisesRowsOfEveryWidth()),
                fault(
                        "norm of whole rows instead of groups",
                        "norm",
                        (q, a) -> {
                            if (t(a, 0).columns() == t(a, 2).columns()) {
                                norm(q, a);
                            }
                        },
                        c -> c.normalisesEachGroupOfColumnsByItself()),
                fault(
                        "norm with another epsilon",
                        "norm",
                        (q, a) -> q.norm(
                                t(a, 0),
                                t(a, 1),
                                t(a, 2),
                                t(a, 3),
                                new NormSpec(((NormSpec) a[4]).kind(), 1e-3f, ((NormSpec) a[4]).weightOffset())),
                        c -> c.normalisesRowsOfEveryWidth()),
                fault(
                        "linear that replaces instead of adding",
                        "linear",
                        (q, a) -> q.linear(t(a, 0), t(a, 1), t(a, 2), t(a, 3), Write.SET),
                        c -> c.multipliesWeightsOfEveryTypeAndShape()),
                fault(
                        "linear without bias",
                        "linear",
                        (q, a) -> q.linear(t(a, 0), t(a, 1), t(a, 2), null, (Write) a[4]),
                        c -> c.multipliesWeightsOfEveryTypeAndShape()),
                fault(
                        "linear without the last row of a large pass",
                        "linear",
                        ContractTestDetectsFaultsTest::linearWithoutLastRow,
                        c -> c.multipliesWeightsOfEveryTypeAndShape()),
                fault(
                        "linear without the last column",
                        "linear",
                        ContractTestDetectsFaultsTest::linearWithoutLastColumn,
                        c -> c.multipliesWeightsOfEveryTypeAndShape()),
                fault(
                        "linear with 16-bit activations",
                        "linear",
                        ContractTestDetectsFaultsTest::linearIn16Bits,
                        c -> c.multipliesWeightsOfEveryTypeAndShape()),
                fault(
                        "linear that changes its input",
                        "linear",
                        (q, a) -> {
                            linear(q, a);
                            nudge(q, t(a, 1), 0);
                        },
                        c -> c.multipliesWeightsOfEveryTypeAndShape()),
                fault(
                        "rope with the other pairing",
                        "rope",
                        (q, a) -> {
                            RopeSpec s = (RopeSpec) a[3];
                            q.rope(
                                    t(a, 0),
                                    t(a, 1),
                                    t(a, 2),
                                    new RopeSpec(s.headSize(), s.rotated(), RopeSpec.Pairing.HALVES));
                        },
                        c -> c.rotatesAllOrSomeColumnsOfEveryHead()),
                fault(
                        "keys where values belong",
                        "appendKeyValue",
                        (q, a) -> q.appendKeyValue(t(a, 0), t(a, 1), t(a, 3), t(a, 2), (RowBatch) a[4]),
                        c -> c.attendsWithEveryNumberOfHeads()),
                fault(
                        "attention without its window",
                        "attention",
                        attention(s -> new AttentionSpec(
                                s.heads(), s.keyValueHeads(), s.headSize(), s.scale(), s.causal(), 0, s.softcap())),
                        c -> c.seesAtMostAWindow()),
                fault(
                        "a window too wide by one",
                        "attention",
                        attention(s -> new AttentionSpec(
                                s.heads(),
                                s.keyValueHeads(),
                                s.headSize(),
                                s.scale(),
                                s.causal(),
                                s.window() + 1,
                                s.softcap())),
                        c -> c.seesAtMostAWindow()),
                fault(
                        "attention without softcap",
                        "attention",
                        attention(s -> new AttentionSpec(
                                s.heads(), s.keyValueHeads(), s.headSize(), s.scale(), s.causal(), s.window(), 0)),
                        c -> c.capsScores()),
                fault(
                        "attention that is always causal",
                        "attention",
                        attention(s -> new AttentionSpec(
                                s.heads(), s.keyValueHeads(), s.headSize(), s.scale(), true, s.window(), s.softcap())),
                        c -> c.seesLaterRowsOfAPassWithoutCausality()),
                fault(
                        "attention with a scale off by a thousandth",
                        "attention",
                        attention(s -> new AttentionSpec(
                                s.heads(),
                                s.keyValueHeads(),
                                s.headSize(),
                                s.scale() * 1.001f,
                                s.causal(),
                                s.window(),
                                s.softcap())),
                        c -> c.attendsWithEveryNumberOfHeads()),
                fault(
                        "self attention across sequences",
                        "selfAttention",
                        ContractTestDetectsFaultsTest::selfAttentionAcross,
                        c -> c.attendsWithinSequencesWithoutACache()),
                fault(
                        "add twice",
                        "add",
                        (q, a) -> {
                            q.add(t(a, 0), t(a, 1));
                            q.add(t(a, 0), t(a, 1));
                        },
                        c -> c.addsRows()),
                fault(
                        "one gelu for the other",
                        "activate",
                        (q, a) ->
                                q.activate(t(a, 0), a[1] == Activation.GELU ? Activation.GELU_TANH : (Activation) a[1]),
                        c -> c.activatesOrdinaryAndExtremeValues()),
                fault("softcap that clips", "softcap", (q, a) -> {}, c -> c.capsOrdinaryAndExtremeValues()),
                fault(
                        "gather of the next row",
                        "gatherRows",
                        (q, a) -> {
                            q.gatherRows(t(a, 0), t(a, 1), t(a, 2));
                            nudge(q, t(a, 0), 0);
                        },
                        c -> c.gathersRows()),
                fault(
                        "scores without sigmoid",
                        "routerScores",
                        (q, a) -> q.linear(t(a, 0), t(a, 1), t(a, 2), null, Write.SET),
                        c -> c.scoresExpertsWithRoutersOfEveryType()),
                fault(
                        "experts at the threshold",
                        "selectExperts",
                        ContractTestDetectsFaultsTest::selectAtThreshold,
                        c -> c.selectsExactlyTheExpertsAboveTheThreshold()),
                fault(
                        "all experts instead of some",
                        "sparseFfn",
                        (q, a) -> q.denseFfn(t(a, 0), t(a, 1), (FfnWeights) a[2], (Write) a[4]),
                        c -> c.runsEveryPatternOfExpertsForEveryNumberOfRows()),
                fault(
                        "the experts of the first row for all rows",
                        "sparseFfn",
                        ContractTestDetectsFaultsTest::sparseLikeFirstRow,
                        c -> c.runsEveryPatternOfExpertsForEveryNumberOfRows()),
                fault(
                        "no bias for a row without experts",
                        "sparseFfn",
                        ContractTestDetectsFaultsTest::sparseWithoutIdleRows,
                        c -> c.runsBlocksOfEveryWeightType()),
                fault(
                        "one output of a block off by 3 %",
                        "denseFfn",
                        (q, a) -> {
                            q.denseFfn(t(a, 0), t(a, 1), (FfnWeights) a[2], (Write) a[3]);
                            nudge(q, t(a, 0), 0.03f);
                        },
                        c -> c.runsEveryPatternOfExpertsForEveryNumberOfRows()),
                fault(
                        "the last of equal maxima",
                        "argmax",
                        ContractTestDetectsFaultsTest::argmaxLast,
                        c -> c.findsTheLowestIndexOfTheLargestElement()),
                fault(
                        "recording that runs at once",
                        "record",
                        (q, a) -> ((Runnable) a[0]).run(),
                        c -> c.replaysWithOtherInputs()));
    }

    /** Scenarios check what lies around a view; here the kernel writes one element beside it. */
    @Test
    void findsAStrayWrite() {
        try (Rig rig = new Rig(Rig::openReference)) {
            assertThatThrownBy(() -> rig.compare("stray write", 1, Side.Layout.VIEWS, side -> {
                        Output out = side.output("out", 2, 3);
                        float[] one = {1};
                        side.queue().write(out.whole().rowRange(2, 3).columnRange(6, 7), one);
                    }))
                    .isInstanceOf(AssertionError.class)
                    .hasMessageContaining("around out")
                    .hasMessageContaining("seed 1");
        }
    }

    @Test
    void namesTheElementBothValuesAndTheSeed() {
        FaultyContract contract = new FaultyContract("add", (q, a) -> {}, DType.F32);
        contract.openRig();
        assertThatThrownBy(contract::addsRows)
                .isInstanceOf(AssertionError.class)
                .hasMessageMatching(
                        "add, T 1, D 1, WHOLE, seed 71: y\\[0]\\[0]: expected \\S+, found \\S+, allowed difference"
                                + " 0.0");
        contract.closeRig();
    }

    /** Bounds for activations in 8 bits are wide; these faults must not fit into them. */
    @TestFactory
    Stream<DynamicTest> findsWhereActivationsMayBeRounded() {
        return Stream.of(DType.Q8_0, DType.Q4_0)
                .flatMap(dtype -> Stream.of(
                        fault(
                                dtype + ": a product without its last block",
                                "linear",
                                ContractTestDetectsFaultsTest::linearWithoutLastBlock,
                                c -> c.multipliesWeightsOfEveryTypeAndShape(),
                                dtype),
                        fault(
                                dtype + ": one expert less",
                                "sparseFfn",
                                ContractTestDetectsFaultsTest::sparseWithoutLastExpert,
                                c -> c.runsBlocksOfEveryWeightType(),
                                dtype),
                        fault(
                                dtype + ": one expert less of many",
                                "sparseFfn",
                                ContractTestDetectsFaultsTest::sparseWithoutLastExpert,
                                c -> c.runsManyExperts(),
                                dtype),
                        fault(
                                dtype + ": scores off by a tenth",
                                "routerScores",
                                (q, a) -> {
                                    q.routerScores(t(a, 0), t(a, 1), t(a, 2));
                                    nudge(q, t(a, 0), 0.1f);
                                },
                                c -> c.scoresExpertsWithRoutersOfEveryType(),
                                dtype)));
    }

    private static DynamicTest fault(
            String name, String operation, FaultyBackend.Fault fault, Consumer<FaultyContract> part) {
        return fault(name, operation, fault, part, DType.F32, DType.Q8_0);
    }

    private static DynamicTest fault(
            String name,
            String operation,
            FaultyBackend.Fault fault,
            Consumer<FaultyContract> part,
            DType... weightTypes) {
        return DynamicTest.dynamicTest(name, () -> {
            FaultyContract contract = new FaultyContract(operation, fault, weightTypes);
            contract.openRig();
            try {
                assertThatThrownBy(() -> part.accept(contract)).isInstanceOf(AssertionError.class);
            } finally {
                contract.closeRig();
            }
        });
    }

    private static Tensor t(Object[] arguments, int index) {
        return (Tensor) arguments[index];
    }

    private static void norm(KernelQueue q, Object[] a) {
        q.norm(t(a, 0), t(a, 1), t(a, 2), t(a, 3), (NormSpec) a[4]);
    }

    private static void linear(KernelQueue q, Object[] a) {
        q.linear(t(a, 0), t(a, 1), t(a, 2), t(a, 3), (Write) a[4]);
    }

    private static void embedWithoutScale(KernelQueue q, Object[] a) {
        q.embed(t(a, 0), t(a, 1), t(a, 2), 1, (Write) a[4]);
    }

    private static void embedWrapped(KernelQueue q, Object[] a) {
        int[] ids = Output.integers(q, t(a, 2));
        for (int i = 0; i < ids.length; i++) {
            ids[i] = Math.floorMod(ids[i], t(a, 1).rows());
        }
        q.write(t(a, 2), ids);
        q.embed(t(a, 0), t(a, 1), t(a, 2), (float) a[3], (Write) a[4]);
    }

    private static void linearWithoutLastRow(KernelQueue q, Object[] a) {
        int rows = t(a, 0).rows() == 17 ? 16 : t(a, 0).rows();
        q.linear(t(a, 0).rowRange(0, rows), t(a, 1).rowRange(0, rows), t(a, 2), t(a, 3), (Write) a[4]);
    }

    private static void linearWithoutLastColumn(KernelQueue q, Object[] a) {
        float[] x = Output.floats(q, t(a, 1));
        float[] cut = x.clone();
        int columns = t(a, 1).columns();
        for (int i = columns - 1; columns == 4098 && i < cut.length; i += columns) {
            cut[i] = 0;
        }
        q.write(t(a, 1), cut);
        linear(q, a);
        q.write(t(a, 1), x);
    }

    private static void linearWithoutLastBlock(KernelQueue q, Object[] a) {
        float[] x = Output.floats(q, t(a, 1));
        float[] cut = x.clone();
        int columns = t(a, 1).columns();
        for (int i = 0; columns > 32 && i < cut.length; i++) {
            cut[i] = i % columns >= columns - 32 ? 0 : cut[i];
        }
        q.write(t(a, 1), cut);
        linear(q, a);
        q.write(t(a, 1), x);
    }

    private static void sparseWithoutLastExpert(KernelQueue q, Object[] a) {
        ExpertSelection selection = (ExpertSelection) a[3];
        int[] counts = Output.integers(q, selection.counts());
        int[] fewer = counts.clone();
        for (int t = 0; t < fewer.length; t++) {
            fewer[t] = Math.max(0, fewer[t] - 1);
        }
        q.write(selection.counts(), fewer);
        q.sparseFfn(t(a, 0), t(a, 1), (FfnWeights) a[2], selection, (Write) a[4]);
        q.write(selection.counts(), counts);
    }

    private static void linearIn16Bits(KernelQueue q, Object[] a) {
        float[] x = Output.floats(q, t(a, 1));
        float[] rounded = x.clone();
        for (int i = 0; i < x.length; i++) {
            rounded[i] = Float.float16ToFloat(Float.floatToFloat16(x[i]));
        }
        q.write(t(a, 1), rounded);
        linear(q, a);
        q.write(t(a, 1), x);
    }

    private static FaultyBackend.Fault attention(UnaryOperator<AttentionSpec> change) {
        return (q, a) ->
                q.attention(t(a, 0), t(a, 1), t(a, 2), t(a, 3), (RowBatch) a[4], change.apply((AttentionSpec) a[5]));
    }

    private static void selfAttentionAcross(KernelQueue q, Object[] a) {
        int[] starts = Output.integers(q, t(a, 4));
        int[] joined = starts.clone();
        Arrays.fill(joined, 1, joined.length, starts[starts.length - 1]);
        q.write(t(a, 4), joined);
        q.selfAttention(t(a, 0), t(a, 1), t(a, 2), t(a, 3), t(a, 4), (AttentionSpec) a[5]);
        q.write(t(a, 4), starts);
    }

    private static void selectAtThreshold(KernelQueue q, Object[] a) {
        float[] thresholds = Output.floats(q, t(a, 2));
        float[] lower = thresholds.clone();
        for (int t = 0; t < lower.length; t++) {
            lower[t] = Math.nextDown(lower[t]);
        }
        q.write(t(a, 2), lower);
        q.selectExperts((ExpertSelection) a[0], t(a, 1), t(a, 2));
        q.write(t(a, 2), thresholds);
    }

    private static void sparseLikeFirstRow(KernelQueue q, Object[] a) {
        ExpertSelection selection = (ExpertSelection) a[3];
        for (int t = 0; t < t(a, 0).rows(); t++) {
            q.sparseFfn(
                    t(a, 0).rowRange(t, t + 1),
                    t(a, 1).rowRange(t, t + 1),
                    (FfnWeights) a[2],
                    selection.firstRows(1),
                    (Write) a[4]);
        }
    }

    private static void sparseWithoutIdleRows(KernelQueue q, Object[] a) {
        ExpertSelection selection = (ExpertSelection) a[3];
        int[] counts = Output.integers(q, selection.counts());
        for (int t = 0; t < counts.length; t++) {
            if (counts[t] > 0) {
                ExpertSelection own = new ExpertSelection(
                        selection.experts().rowRange(t, t + 1),
                        selection.counts().rowRange(t, t + 1));
                q.sparseFfn(
                        t(a, 0).rowRange(t, t + 1), t(a, 1).rowRange(t, t + 1), (FfnWeights) a[2], own, (Write) a[4]);
            }
        }
    }

    private static void argmaxLast(KernelQueue q, Object[] a) {
        float[] logits = Output.floats(q, t(a, 1));
        int columns = t(a, 1).columns();
        int[] ids = new int[t(a, 0).rows()];
        for (int i = 0; i < logits.length; i++) {
            int t = i / columns;
            if (logits[i] >= logits[t * columns + ids[t]]) {
                ids[t] = i % columns;
            }
        }
        q.write(t(a, 0), ids);
    }

    /** Changes the last element of a tensor by a share of its largest, or at least a little. */
    private static void nudge(KernelQueue q, Tensor tensor, float share) {
        float[] values = Output.floats(q, tensor);
        float largest = 0;
        for (float value : values) {
            largest = Math.max(largest, Math.abs(value));
        }
        values[values.length - 1] += Math.max(1e-4f, share * largest);
        q.write(tensor, values);
    }
}

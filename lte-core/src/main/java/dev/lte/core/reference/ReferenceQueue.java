package dev.lte.core.reference;

import dev.lte.backend.Activation;
import dev.lte.backend.AttentionSpec;
import dev.lte.backend.ExpertSelection;
import dev.lte.backend.FfnWeights;
import dev.lte.backend.KernelChecks;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.NormSpec;
import dev.lte.backend.RopeSpec;
import dev.lte.backend.RowBatch;
import dev.lte.backend.Tensor;
import dev.lte.backend.TrainingKernels;
import dev.lte.backend.Write;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Checks every operation and hands it to its family, which has run when the call returns. */
final class ReferenceQueue implements KernelQueue {
    private final ReferenceBackend backend;
    private final ReferenceTraining training = new ReferenceTraining(this::own);
    private volatile boolean closed;

    ReferenceQueue(ReferenceBackend backend) {
        this.backend = backend;
    }

    @Override
    public void embed(Tensor out, Tensor table, Tensor ids, float scale, Write write) {
        KernelChecks.embed(out, table, ids);
        ReferenceRows.embed(own(out), own(table), own(ids), scale, Objects.requireNonNull(write));
    }

    @Override
    public void norm(Tensor out, Tensor x, Tensor weight, @Nullable Tensor bias, NormSpec spec) {
        KernelChecks.norm(out, x, weight, bias);
        ReferenceNorm.norm(own(out), own(x), own(weight), bias == null ? null : own(bias), spec);
    }

    @Override
    public void linear(Tensor out, Tensor x, Tensor weight, @Nullable Tensor bias, Write write) {
        KernelChecks.linear(out, x, weight, bias);
        ReferenceLinear.linear(
                own(out), own(x), own(weight), bias == null ? null : own(bias), Objects.requireNonNull(write));
    }

    @Override
    public void rope(Tensor x, Tensor positions, Tensor table, RopeSpec spec) {
        KernelChecks.rope(x, positions, table, spec);
        ReferenceRope.rope(own(x), own(positions), own(table), spec);
    }

    @Override
    public void appendKeyValue(Tensor keyCache, Tensor valueCache, Tensor k, Tensor v, RowBatch rows) {
        KernelChecks.appendKeyValue(keyCache, valueCache, k, v, rows);
        ReferenceTensor keys = own(keyCache);
        ReferenceAttention.append(keys, own(valueCache), own(k), own(v), pages(rows, keys));
    }

    @Override
    public void attention(Tensor out, Tensor q, Tensor keyCache, Tensor valueCache, RowBatch rows, AttentionSpec spec) {
        KernelChecks.attention(out, q, keyCache, valueCache, rows, spec);
        ReferenceTensor keys = own(keyCache);
        ReferenceAttention.cached(own(out), own(q), keys, own(valueCache), pages(rows, keys), spec);
    }

    @Override
    public void selfAttention(Tensor out, Tensor q, Tensor k, Tensor v, Tensor starts, AttentionSpec spec) {
        KernelChecks.selfAttention(out, q, k, v, starts, spec);
        ReferenceAttention.self(own(out), own(q), own(k), own(v), own(starts), spec);
    }

    @Override
    public void add(Tensor y, Tensor x) {
        KernelChecks.add(y, x);
        ReferenceRows.add(own(y), own(x));
    }

    @Override
    public void activate(Tensor x, Activation activation) {
        KernelChecks.activate(x);
        ReferenceRows.activate(own(x), Objects.requireNonNull(activation));
    }

    @Override
    public void softcap(Tensor x, float cap) {
        KernelChecks.softcap(x, cap);
        ReferenceRows.softcap(own(x), cap);
    }

    @Override
    public void gatherRows(Tensor out, Tensor x, Tensor rows) {
        KernelChecks.gatherRows(out, x, rows);
        ReferenceRows.gather(own(out), own(x), own(rows));
    }

    @Override
    public void denseFfn(Tensor y, Tensor x, FfnWeights weights, Write write) {
        KernelChecks.denseFfn(y, x, weights);
        ReferenceFfn.dense(own(y), own(x), own(weights), Objects.requireNonNull(write));
    }

    @Override
    public void routerScores(Tensor scores, Tensor x, Tensor router) {
        KernelChecks.routerScores(scores, x, router);
        ReferenceLinear.routerScores(own(scores), own(x), own(router));
    }

    @Override
    public void selectExperts(ExpertSelection selection, Tensor scores, Tensor thresholds) {
        KernelChecks.selectExperts(selection, scores, thresholds);
        ReferenceFfn.select(own(selection.experts()), own(selection.counts()), own(scores), own(thresholds));
    }

    @Override
    public void sparseFfn(Tensor y, Tensor x, FfnWeights weights, ExpertSelection selection, Write write) {
        KernelChecks.sparseFfn(y, x, weights, selection);
        ReferenceTensor experts = own(selection.experts());
        ReferenceTensor counts = own(selection.counts());
        ReferenceFfn.sparse(own(y), own(x), own(weights), experts, counts, Objects.requireNonNull(write));
    }

    @Override
    public void argmax(Tensor ids, Tensor logits) {
        KernelChecks.argmax(ids, logits);
        ReferenceRows.argmax(own(ids), own(logits));
    }

    @Override
    public TrainingKernels training() {
        return training;
    }

    @Override
    public void write(Tensor tensor, float[] values) {
        KernelChecks.write(tensor, values);
        ReferenceTensor to = own(tensor);
        for (int t = 0; t < to.rows(); t++) {
            to.writeRow(t, values, t * to.columns());
        }
    }

    @Override
    public void write(Tensor tensor, int[] values) {
        KernelChecks.write(tensor, values);
        ReferenceTensor to = own(tensor);
        for (int t = 0; t < to.rows(); t++) {
            for (int i = 0; i < to.columns(); i++) {
                to.setInteger(t, i, values[t * to.columns() + i]);
            }
        }
    }

    @Override
    public void read(Tensor tensor, float[] values) {
        KernelChecks.read(tensor, values);
        ReferenceTensor from = own(tensor);
        for (int t = 0; t < from.rows(); t++) {
            from.readRow(t, values, t * from.columns());
        }
    }

    @Override
    public void read(Tensor tensor, int[] values) {
        KernelChecks.read(tensor, values);
        ReferenceTensor from = own(tensor);
        for (int t = 0; t < from.rows(); t++) {
            for (int i = 0; i < from.columns(); i++) {
                values[t * from.columns() + i] = from.integer(t, i);
            }
        }
    }

    /** Operations have run when their call returns. */
    @Override
    public void await() {
        checkOpen();
    }

    @Override
    public void close() {
        closed = true;
    }

    private ReferenceAttention.Pages pages(RowBatch rows, ReferenceTensor cache) {
        own(rows.positions());
        own(rows.sequences());
        own(rows.pageTable());
        return ReferenceAttention.Pages.of(backend, rows, cache);
    }

    private ReferenceTensor own(Tensor tensor) {
        checkOpen();
        ReferenceTensor own = backend.own(tensor);
        own.storage().check();
        return own;
    }

    private ReferenceFfnWeights own(FfnWeights weights) {
        if (weights instanceof ReferenceFfnWeights own) {
            own(own.up());
            return own;
        }
        throw new IllegalArgumentException(
                "expected FFN weights of this backend, found another's: " + weights.getClass());
    }

    private void checkOpen() {
        backend.checkOpen();
        if (closed) {
            throw new IllegalStateException("the queue is closed");
        }
    }
}

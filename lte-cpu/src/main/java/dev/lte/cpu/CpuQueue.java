package dev.lte.cpu;

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
import org.jspecify.annotations.Nullable;

/**
 * Dispatch only: checks an operation, hands it to the kernel of its family and returns when it has run. Kernels and their
 * scratch memory belong to the queue, so that steady operation allocates nothing.
 */
final class CpuQueue implements KernelQueue {
    private final CpuBackend backend;
    private final LinearKernel linear;
    private final HeapLinearKernel heapLinear;
    private final FfnKernel ffn;
    private final NormKernel norm;
    private final RopeKernel rope = new RopeKernel();
    private final AttentionKernel attention;
    private final RowKernel rows;
    private final WorkerPool pool;
    /** Null until it is asked for: most queues do not train. */
    private @Nullable CpuTraining training;

    private volatile boolean closed;

    CpuQueue(CpuBackend backend, WorkerPool pool) {
        this.backend = backend;
        linear = new LinearKernel(pool);
        heapLinear = new HeapLinearKernel(pool);
        ffn = new FfnKernel(pool);
        norm = new NormKernel(pool);
        attention = new AttentionKernel(pool);
        rows = new RowKernel(pool);
        this.pool = pool;
    }

    @Override
    public void embed(Tensor out, Tensor table, Tensor ids, float scale, Write write) {
        KernelChecks.embed(out, table, ids);
        rows.embed(own(out), ownWeight(table), own(ids), scale, write == Write.ADD);
    }

    @Override
    public void norm(Tensor out, Tensor x, Tensor weight, @Nullable Tensor bias, NormSpec spec) {
        KernelChecks.norm(out, x, weight, bias);
        norm.run(own(out), own(x), own(weight), bias == null ? null : own(bias), spec);
    }

    @Override
    public void linear(Tensor out, Tensor x, Tensor weight, @Nullable Tensor bias, Write write) {
        KernelChecks.linear(out, x, weight, bias);
        multiply(out, x, weight, bias, write);
    }

    private void multiply(Tensor out, Tensor x, Tensor weight, @Nullable Tensor bias, Write write) {
        CpuTensor b = bias == null ? null : own(bias);
        if (ownWeight(weight) instanceof TiledWeight tiled) {
            linear.run(own(out), own(x), tiled, b, write);
        } else {
            heapLinear.run(own(out), own(x), own(weight), b, write);
        }
    }

    @Override
    public void rope(Tensor x, Tensor positions, Tensor table, RopeSpec spec) {
        KernelChecks.rope(x, positions, table, spec);
        rope.run(own(x), own(positions), own(table), spec);
    }

    @Override
    public void appendKeyValue(Tensor keyCache, Tensor valueCache, Tensor k, Tensor v, RowBatch batch) {
        KernelChecks.appendKeyValue(keyCache, valueCache, k, v, batch);
        check(batch);
        rows.append(own(keyCache), own(valueCache), own(k), own(v), batch);
    }

    @Override
    public void attention(
            Tensor out, Tensor q, Tensor keyCache, Tensor valueCache, RowBatch batch, AttentionSpec spec) {
        KernelChecks.attention(out, q, keyCache, valueCache, batch, spec);
        check(batch);
        attention.run(own(out), own(q), own(keyCache), own(valueCache), batch, spec);
    }

    @Override
    public void selfAttention(Tensor out, Tensor q, Tensor k, Tensor v, Tensor starts, AttentionSpec spec) {
        KernelChecks.selfAttention(out, q, k, v, starts, spec);
        attention.run(own(out), own(q), own(k), own(v), own(starts), spec);
    }

    @Override
    public void add(Tensor y, Tensor x) {
        KernelChecks.add(y, x);
        rows.add(own(y), own(x));
    }

    @Override
    public void activate(Tensor x, Activation activation) {
        KernelChecks.activate(x);
        rows.activate(own(x), activation);
    }

    @Override
    public void softcap(Tensor x, float cap) {
        KernelChecks.softcap(x, cap);
        rows.softcap(own(x), cap);
    }

    @Override
    public void gatherRows(Tensor out, Tensor x, Tensor indices) {
        KernelChecks.gatherRows(out, x, indices);
        rows.gather(own(out), own(x), own(indices));
    }

    @Override
    public void denseFfn(Tensor y, Tensor x, FfnWeights weights, Write write) {
        KernelChecks.denseFfn(y, x, weights);
        ffn.run(own(y), own(x), own(weights), null, null, write);
    }

    @Override
    public void routerScores(Tensor scores, Tensor x, Tensor router) {
        KernelChecks.routerScores(scores, x, router);
        multiply(scores, x, router, null, Write.SET);
        RoutingKernel.sigmoid(own(scores));
    }

    @Override
    public void selectExperts(ExpertSelection selection, Tensor scores, Tensor thresholds) {
        KernelChecks.selectExperts(selection, scores, thresholds);
        RoutingKernel.select(own(selection.experts()), own(selection.counts()), own(scores), own(thresholds));
    }

    @Override
    public void sparseFfn(Tensor y, Tensor x, FfnWeights weights, ExpertSelection selection, Write write) {
        KernelChecks.sparseFfn(y, x, weights, selection);
        ffn.run(own(y), own(x), own(weights), own(selection.experts()), own(selection.counts()), write);
    }

    @Override
    public void argmax(Tensor ids, Tensor logits) {
        KernelChecks.argmax(ids, logits);
        RoutingKernel.argmax(own(ids), own(logits));
    }

    @Override
    public TrainingKernels training() {
        CpuTraining kernels = training;
        if (kernels == null) {
            kernels = new CpuTraining(pool, this::own);
            training = kernels;
        }
        return kernels;
    }

    @Override
    public void write(Tensor tensor, float[] values) {
        KernelChecks.write(tensor, values);
        CpuTensor to = own(tensor);
        for (int r = 0; r < to.rows(); r++) {
            to.writeRow(r, 0, to.columns(), values, r * to.columns());
        }
    }

    @Override
    public void write(Tensor tensor, int[] values) {
        KernelChecks.write(tensor, values);
        CpuTensor to = own(tensor);
        for (int r = 0; r < to.rows(); r++) {
            System.arraycopy(values, r * to.columns(), to.ints(), to.rowStart(r), to.columns());
        }
    }

    @Override
    public void read(Tensor tensor, float[] values) {
        KernelChecks.read(tensor, values);
        Tensor from = ownWeight(tensor);
        PackBuffer buffer = new PackBuffer();
        for (int r = 0; r < from.rows(); r++) {
            if (from instanceof TiledWeight weight) {
                weight.readRow(r, values, r * from.columns(), buffer);
            } else {
                ((CpuTensor) from).readRow(r, 0, from.columns(), values, r * from.columns());
            }
        }
    }

    @Override
    public void read(Tensor tensor, int[] values) {
        KernelChecks.read(tensor, values);
        CpuTensor from = own(tensor);
        for (int r = 0; r < from.rows(); r++) {
            System.arraycopy(from.ints(), from.rowStart(r), values, r * from.columns(), from.columns());
        }
    }

    private void check(RowBatch batch) {
        own(batch.positions());
        own(batch.sequences());
        own(batch.pageTable());
    }

    /** The tensor as an ordinary one of this backend, in use. */
    private CpuTensor own(Tensor tensor) {
        if (ownWeight(tensor) instanceof CpuTensor own) {
            return own;
        }
        throw new IllegalArgumentException(
                "expected an ordinary tensor, found a packed weight of type " + tensor.dtype());
    }

    /** The tensor, which may be a packed weight, if it is this backend's and in use. */
    private Tensor ownWeight(Tensor tensor) {
        checkOpen();
        Storage storage = switch (tensor) {
            case CpuTensor plain -> plain.storage();
            case TiledWeight weight -> weight.storage();
            default ->
                throw new IllegalArgumentException("expected a tensor of backend cpu, found "
                        + tensor.getClass().getName());
        };
        check(storage);
        return tensor;
    }

    private CpuFfn own(FfnWeights weights) {
        checkOpen();
        if (!(weights instanceof CpuFfn own)) {
            throw new IllegalArgumentException("expected FFN weights of backend cpu, found "
                    + weights.getClass().getName());
        }
        check(own.storage());
        return own;
    }

    private void check(Storage storage) {
        if (storage.backend() != backend) {
            throw new IllegalArgumentException("the tensor belongs to another backend");
        }
        storage.check();
    }

    private void checkOpen() {
        if (closed) {
            throw new IllegalStateException("the queue is closed");
        }
        backend.checkOpen();
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
}

package dev.lte.cuda;

import static dev.lte.cuda.CudaCheck.check;

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
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.bytedeco.cuda.cudart.CUgraph_st;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cudart;
import org.jspecify.annotations.Nullable;

/** A stream. Checks every operation and launches its kernels. */
final class CudaQueue implements KernelQueue {
    private static final int STREAM_NON_BLOCKING = 1;
    private static final int CAPTURE_RELAXED = 2;

    private final CudaBackend backend;
    private final CudaModule module;
    private final CUstream_st stream = new CUstream_st();
    private final CudaLaunch launch;
    private final CudaScratch scratch;
    private final CudaTransfers transfers;
    private final CudaProducts products;
    private final CudaAttention attention;
    private final CudaPending pending;
    private final Set<CudaRecording> recordings = new HashSet<>();
    private final long tickets;
    private @Nullable Set<CudaStorage> captured;
    private @Nullable CudaTraining training;
    private volatile boolean closed;

    /** The backend's lock is held and its context current. */
    CudaQueue(CudaBackend backend) {
        this.backend = backend;
        module = backend.module();
        check("cuStreamCreate", cudart.cuStreamCreate(stream, STREAM_NON_BLOCKING));
        launch = new CudaLaunch(stream);
        scratch = new CudaScratch(backend.memory());
        transfers = new CudaTransfers(backend.memory(), module, launch);
        long counters = 4L * CudaAttention.TICKETS;
        tickets = backend.memory().allocate("counters of a queue", counters);
        check("cuMemsetD8Async", cudart.cuMemsetD8Async(tickets, (byte) 0, counters, stream));
        int processors = backend.context().multiprocessors();
        CudaNorms norms = new CudaNorms(module, launch);
        CudaRounded rounded = new CudaRounded();
        products = new CudaProducts(backend, launch, scratch, norms, rounded);
        attention = new CudaAttention(backend, launch, scratch, rounded, processors, tickets);
        pending = new CudaPending(module, launch, norms, products, attention);
    }

    /** Runs on this thread, with the context current, while nothing is freed. */
    void enqueue(Runnable operation) {
        backend.lock().readLock().lock();
        try {
            checkOpen();
            backend.context().enter();
            flush();
            operation.run();
        } finally {
            backend.lock().readLock().unlock();
        }
    }

    /** As {@link #enqueue(Runnable)}, for an operation that may take what is deferred on the way; it must see to that. */
    private void enqueueAfter(Tensor out, Runnable operation) {
        backend.lock().readLock().lock();
        try {
            checkOpen();
            backend.context().enter();
            own(out);
            if (out.rows() > 0 && out.columns() > 0) {
                operation.run();
            }
        } finally {
            backend.lock().readLock().unlock();
        }
    }

    /** Launches what is deferred. The backend's lock is held and its context current. */
    void flush() {
        pending.flush();
    }

    /** As {@link #enqueue}, unless the output has no elements. */
    void enqueue(Tensor out, Runnable operation) {
        enqueue(() -> {
            own(out);
            if (out.rows() > 0 && out.columns() > 0) {
                operation.run();
            }
        });
    }

    @Override
    public void embed(Tensor out, Tensor table, Tensor ids, float scale, Write write) {
        KernelChecks.embed(out, table, ids);
        int mode = mode(write);
        enqueue(out, () -> {
            CudaTensor from = own(table);
            int start = 0;
            for (Segment segment : from.segments()) {
                launch.start()
                        .put(own(out))
                        .put(segment.address())
                        .put(segment.scales())
                        .put(segment.stride());
                launch.put(segment.code())
                        .put(own(ids))
                        .put(start)
                        .put(segment.rows())
                        .put(table.rows());
                launch.put(out.rows()).put(out.columns()).put(scale).put(mode);
                launch.runRows(module.function("embed"), out.rows(), out.columns());
                start += segment.rows();
            }
        });
    }

    @Override
    public void norm(Tensor out, Tensor x, Tensor weight, @Nullable Tensor bias, NormSpec spec) {
        KernelChecks.norm(out, x, weight, bias);
        enqueue(
                out,
                () -> pending.norm(
                        new Deferred.Norm(own(out), own(x), own(weight), bias == null ? null : own(bias), spec)));
    }

    @Override
    public void linear(Tensor out, Tensor x, Tensor weight, @Nullable Tensor bias, Write write) {
        KernelChecks.linear(out, x, weight, bias);
        int mode = mode(write);
        enqueueAfter(out, () -> pending.product(own(out), own(x), own(weight), bias == null ? null : own(bias), mode));
    }

    @Override
    public void rope(Tensor x, Tensor positions, Tensor table, RopeSpec spec) {
        KernelChecks.rope(x, positions, table, spec);
        enqueue(x, () -> pending.rope(new Deferred.Rope(own(x), own(positions), own(table), spec)));
    }

    @Override
    public void appendKeyValue(Tensor keyCache, Tensor valueCache, Tensor k, Tensor v, RowBatch rows) {
        KernelChecks.appendKeyValue(keyCache, valueCache, k, v, rows);
        enqueueAfter(k, () -> pending.append(own(keyCache), own(valueCache), own(k), own(v), rows(rows)));
    }

    @Override
    public void attention(Tensor out, Tensor q, Tensor keyCache, Tensor valueCache, RowBatch rows, AttentionSpec spec) {
        KernelChecks.attention(out, q, keyCache, valueCache, rows, spec);
        enqueueAfter(out, () -> pending.attention(own(out), own(q), own(keyCache), own(valueCache), rows(rows), spec));
    }

    @Override
    public void selfAttention(Tensor out, Tensor q, Tensor k, Tensor v, Tensor starts, AttentionSpec spec) {
        KernelChecks.selfAttention(out, q, k, v, starts, spec);
        enqueue(out, () -> attention.self(own(out), own(q), own(k), own(v), own(starts), spec));
    }

    @Override
    public void add(Tensor y, Tensor x) {
        KernelChecks.add(y, x);
        enqueue(y, () -> {
            launch.start().put(own(y)).put(own(x)).put(y.rows()).put(y.columns());
            launch.runRows(module.function("add"), y.rows(), y.columns());
        });
    }

    @Override
    public void activate(Tensor x, Activation activation) {
        KernelChecks.activate(x);
        int kind = activation.ordinal();
        enqueue(x, () -> {
            launch.start().put(own(x)).put(kind).put(x.rows()).put(x.columns());
            launch.runRows(module.function("activate"), x.rows(), x.columns());
        });
    }

    @Override
    public void softcap(Tensor x, float cap) {
        KernelChecks.softcap(x, cap);
        enqueue(x, () -> {
            launch.start().put(own(x)).put(cap).put(x.rows()).put(x.columns());
            launch.runRows(module.function("softcap"), x.rows(), x.columns());
        });
    }

    @Override
    public void gatherRows(Tensor out, Tensor x, Tensor rows) {
        KernelChecks.gatherRows(out, x, rows);
        enqueue(out, () -> {
            launch.start()
                    .put(own(out))
                    .put(own(x))
                    .put(own(rows))
                    .put(x.rows())
                    .put(out.rows())
                    .put(out.columns());
            launch.runRows(module.function("gather"), out.rows(), out.columns());
        });
    }

    @Override
    public void denseFfn(Tensor y, Tensor x, FfnWeights weights, Write write) {
        KernelChecks.denseFfn(y, x, weights);
        Objects.requireNonNull(write);
        enqueueAfter(y, () -> pending.denseFfn(own(y), own(x), own(weights), write));
    }

    @Override
    public void routerScores(Tensor scores, Tensor x, Tensor router) {
        KernelChecks.routerScores(scores, x, router);
        enqueueAfter(scores, () -> pending.product(own(scores), own(x), own(router), null, CudaProducts.SIGMOID));
    }

    @Override
    public void selectExperts(ExpertSelection selection, Tensor scores, Tensor thresholds) {
        KernelChecks.selectExperts(selection, scores, thresholds);
        enqueue(
                scores,
                () -> pending.selection(new Deferred.Selection(
                        own(selection.experts()), own(selection.counts()), own(scores), own(thresholds))));
    }

    @Override
    public void sparseFfn(Tensor y, Tensor x, FfnWeights weights, ExpertSelection selection, Write write) {
        KernelChecks.sparseFfn(y, x, weights, selection);
        Objects.requireNonNull(write);
        enqueueAfter(
                y,
                () -> pending.sparseFfn(
                        own(y), own(x), own(weights), own(selection.experts()), own(selection.counts()), write));
    }

    @Override
    public void argmax(Tensor ids, Tensor logits) {
        KernelChecks.argmax(ids, logits);
        enqueue(ids, () -> {
            launch.start().put(own(ids)).put(own(logits)).put(logits.columns());
            launch.run(module.function("argmax"), logits.rows(), 1, 1, 1024);
        });
    }

    @Override
    public void write(Tensor tensor, float[] values) {
        KernelChecks.write(tensor, values);
        enqueue(() -> transfers.write(own(tensor), values));
    }

    @Override
    public void write(Tensor tensor, int[] values) {
        KernelChecks.write(tensor, values);
        enqueue(() -> transfers.write(own(tensor), values));
    }

    @Override
    public void read(Tensor tensor, float[] values) {
        KernelChecks.read(tensor, values);
        enqueue(() -> transfers.read(own(tensor), values));
    }

    @Override
    public void read(Tensor tensor, int[] values) {
        KernelChecks.read(tensor, values);
        enqueue(() -> transfers.read(own(tensor), values));
    }

    /** Compiles the kernels of training at the first call. */
    @Override
    public TrainingKernels training() {
        CudaTraining known = training;
        if (known == null) {
            CudaTraining[] made = new CudaTraining[1];
            enqueue(() -> made[0] = new CudaTraining(this, backend, stream));
            known = made[0];
            training = known;
        }
        return known;
    }

    /** Captures a graph; nothing else is enqueued on the backend meanwhile. */
    @Override
    public Recording record(Runnable operations) {
        backend.lock().writeLock().lock();
        try (CUgraph_st graph = new CUgraph_st()) {
            checkOpen();
            backend.context().enter();
            flush();
            products.prepareRecording();
            Set<CudaStorage> used = new HashSet<>();
            captured = used;
            launch.separate();
            capture(operations, graph);
            CudaRecording recording = new CudaRecording(this, stream, graph, used);
            check("cuGraphDestroy", cudart.cuGraphDestroy(graph));
            recordings.add(recording);
            return recording;
        } finally {
            backend.lock().writeLock().unlock();
        }
    }

    private void capture(Runnable operations, CUgraph_st graph) {
        CudaContext.captures().lock();
        try {
            check("cuStreamBeginCapture", cudart.cuStreamBeginCapture(stream, CAPTURE_RELAXED));
            int status;
            try {
                operations.run();
                flush();
            } finally {
                pending.forget();
                captured = null;
                launch.separate();
                status = cudart.cuStreamEndCapture(stream, graph);
            }
            check("cuStreamEndCapture", status);
        } finally {
            CudaContext.captures().unlock();
        }
    }

    /** Something else than a kernel was enqueued. */
    void afterOther() {
        launch.separate();
    }

    void release(CudaRecording recording) {
        backend.lock().readLock().lock();
        try {
            if (recordings.remove(recording)) {
                backend.context().enter();
                transfers.await();
                recording.destroy();
            }
        } finally {
            backend.lock().readLock().unlock();
        }
    }

    /** Waits until everything has run, also what was put aside to be launched together. The backend's lock must be held. */
    void drain() {
        flush();
        transfers.await();
    }

    @Override
    public void await() {
        enqueue(transfers::await);
    }

    @Override
    public void close() {
        backend.lock().writeLock().lock();
        try {
            if (closed) {
                return;
            }
            closed = true;
            backend.forget(this);
            backend.context().enter();
            drain();
            List.copyOf(recordings).forEach(CudaRecording::destroy);
            recordings.clear();
            transfers.free();
            products.close();
            scratch.free();
            backend.memory().free(tickets);
            if (training != null) {
                training.close();
            }
            launch.close();
            check("cuStreamDestroy", cudart.cuStreamDestroy(stream));
        } finally {
            backend.lock().writeLock().unlock();
        }
    }

    private static int mode(Write write) {
        return Objects.requireNonNull(write) == Write.ADD ? CudaProducts.ADD : 0;
    }

    private CudaAttention.Rows rows(RowBatch batch) {
        return new CudaAttention.Rows(
                own(batch.positions()), own(batch.sequences()), own(batch.pageTable()), batch.pageSize());
    }

    /** A tensor of this backend that is in use, noted if a recording is being made. */
    CudaTensor own(Tensor tensor) {
        CudaTensor own = backend.own(tensor);
        use(own.storage());
        return own;
    }

    private CudaFfn own(FfnWeights weights) {
        if (weights instanceof CudaFfn own && own.storage().backend() == backend) {
            use(own.storage());
            return own;
        }
        throw new IllegalArgumentException(
                "expected FFN weights of this backend, found another's: " + weights.getClass());
    }

    private void use(CudaStorage storage) {
        storage.check();
        if (captured != null) {
            captured.add(storage);
        }
    }

    private void checkOpen() {
        backend.checkOpen();
        if (closed) {
            throw new IllegalStateException("the queue is closed");
        }
    }
}

package dev.lte.cuda;

import static dev.lte.cuda.CudaCheck.check;

import dev.lte.backend.KernelQueue;
import java.util.Set;
import org.bytedeco.cuda.cudart.CUgraphExec_st;
import org.bytedeco.cuda.cudart.CUgraph_st;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cudart;

/** A captured graph, and the memory that it must find in use when it runs. */
final class CudaRecording implements KernelQueue.Recording {
    private final CudaQueue queue;
    private final CUstream_st stream;
    private final CUgraphExec_st graph = new CUgraphExec_st();
    private final Set<CudaStorage> used;
    private boolean closed;

    CudaRecording(CudaQueue queue, CUstream_st stream, CUgraph_st captured, Set<CudaStorage> used) {
        this.queue = queue;
        this.stream = stream;
        this.used = used;
        check("cuGraphInstantiate", cudart.cuGraphInstantiate(graph, captured, 0));
    }

    @Override
    public void run() {
        queue.enqueue(() -> {
            if (closed) {
                throw new IllegalStateException("the recording is closed");
            }
            used.forEach(CudaStorage::check);
            check("cuGraphLaunch", cudart.cuGraphLaunch(graph, stream));
            queue.afterOther();
        });
    }

    /** Waits for the runs under way. */
    @Override
    public void close() {
        queue.release(this);
    }

    /** The context is current and the stream has run. */
    void destroy() {
        if (!closed) {
            closed = true;
            check("cuGraphExecDestroy", cudart.cuGraphExecDestroy(graph));
        }
    }
}

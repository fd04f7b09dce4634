package dev.lte.core.train;

import dev.lte.backend.Gating;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.RoutingLossSpec;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One {@link Repeated} for each shape and kind of pass that ran lately. Not thread-safe. */
final class RepeatedPasses implements AutoCloseable {
    /** A caller that does not pad its batches has very many shapes, and one that moves a threshold leaves kinds behind. */
    private static final int MOST = 64;

    private final KernelQueue queue;
    private final LinkedHashMap<Kind, Repeated> passes = new LinkedHashMap<>(MOST, 0.75f, true);

    /** All by which the operations of two passes can differ. */
    private record Kind(
            int rows,
            int sequences,
            int outputs,
            Gating gating,
            RoutingLossSpec routing,
            boolean factors,
            boolean backward,
            @Nullable Teacher teacher,
            BitSet trained) {}

    RepeatedPasses(KernelQueue queue) {
        this.queue = queue;
    }

    /** @param operations of the pass */
    void run(TrainingPass pass, List<Parameter> parameters, Runnable operations) {
        BitSet trained = new BitSet(parameters.size());
        for (int i = 0; i < parameters.size(); i++) {
            trained.set(i, parameters.get(i).isTrained());
        }
        Kind kind = new Kind(
                pass.rows(),
                pass.firstRows().rows(),
                pass.targets().rows(),
                pass.gating(),
                pass.routing(),
                pass.factors() != null,
                pass.backward(),
                pass.teacher(),
                trained);
        Repeated known = passes.get(kind);
        if (known == null) {
            if (passes.size() == MOST) {
                // A recording of the device may still run.
                queue.await();
                passes.pollFirstEntry().getValue().close();
            }
            known = new Repeated(queue, operations);
            passes.put(kind, known);
        }
        known.run();
    }

    @Override
    public void close() {
        passes.values().forEach(Repeated::close);
        passes.clear();
    }
}

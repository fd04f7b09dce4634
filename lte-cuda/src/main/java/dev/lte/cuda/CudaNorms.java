package dev.lte.cuda;

import dev.lte.backend.NormSpec;

/** Launches {@code norm.cu}. */
final class CudaNorms {
    private final CudaModule module;
    private final CudaLaunch launch;

    CudaNorms(CudaModule module, CudaLaunch launch) {
        this.module = module;
        this.launch = launch;
    }

    void run(Deferred.Norm norm) {
        run(norm, 0, 0);
    }

    /**
     * Of rows that are one group each, if they are rounded too.
     *
     * @param rounded address of rows in BF16, {@code pitch} elements apart, or 0
     */
    void run(Deferred.Norm norm, long rounded, long pitch) {
        CudaTensor out = norm.out();
        CudaTensor bias = norm.bias();
        int columns = norm.weight().columns();
        launch.start().put(out).put(norm.x()).put(norm.weight().address());
        launch.put(bias == null ? 0L : bias.address()).put(columns);
        launch.put(norm.spec().kind() == NormSpec.Kind.LAYER ? 1 : 0)
                .put(norm.spec().epsilon())
                .put(norm.spec().weightOffset())
                .put(rounded)
                .put(pitch);
        int threads = Math.clamp(Math.ceilDiv(columns, 512) * 32, 32, 1024);
        launch.runDependent(module.function("normRows"), out.rows(), out.columns() / columns, threads);
    }
}

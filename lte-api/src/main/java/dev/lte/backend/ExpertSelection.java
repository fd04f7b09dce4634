package dev.lte.backend;

/**
 * Which experts run for each row: the compacted result of routing, written by {@link Kernels#selectExperts} and read by
 * {@link Kernels#sparseFfn} without passing through the host.
 *
 * @param experts (T, N) I32: row t begins with the ascending indices of its active experts; the rest is undefined
 * @param counts (T, 1) I32: how many experts of row t are active, 0 to N
 */
public record ExpertSelection(Tensor experts, Tensor counts) {
    /** The first {@code rows} rows. */
    public ExpertSelection firstRows(int rows) {
        return new ExpertSelection(experts.rowRange(0, rows), counts.rowRange(0, rows));
    }
}

package dev.lte.cuda;

import org.jspecify.annotations.Nullable;

/** Rows that a queue's last kernel has rounded to BF16 on the way, for a product that follows at once. Not thread-safe. */
final class CudaRounded {
    private @Nullable CudaTensor rows;
    private long address;
    private long launches = -1;

    /** The kernel launched last, after which so many launches are counted, has rounded all of these rows without gaps. */
    void made(CudaTensor rows, long address, long launches) {
        this.rows = rows;
        this.address = address;
        this.launches = launches;
    }

    /** Whether these rows lie there, if so many launches are counted now. */
    boolean holds(CudaTensor rows, long address, long launches) {
        return this.rows != null
                && this.address == address
                && this.launches == launches
                && this.rows.storage() == rows.storage()
                && this.rows.sameRows(rows);
    }
}

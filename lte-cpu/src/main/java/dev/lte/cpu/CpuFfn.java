package dev.lte.cpu;

import dev.lte.backend.FfnData;
import dev.lte.backend.FfnSpec;
import dev.lte.backend.FfnWeights;
import dev.lte.backend.WeightData;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A feed-forward block packed expert by expert. An expert is one contiguous run of bytes: its gate tiles, its up tiles
 * (M neurons rounded up to 16 rows, D columns) and its down tiles (D rows, M columns).
 *
 * <p>Blocks of a quantised down projection run along F. With M a multiple of 32 they fall on expert boundaries; with M a divisor
 * of 32 each expert gets a block of its own with the scale of the file's. Otherwise down is decoded to F32, which costs memory
 * but no accuracy.
 */
final class CpuFfn implements FfnWeights {
    private final FfnSpec spec;
    private final Storage storage;
    private final PackedItems packed;
    private final @Nullable TileFormat gate;
    private final TileFormat up;
    private final TileFormat down;
    private final long gateBytes;
    private final long upBytes;
    private final long expertBytes;
    private final int downColumns;
    private final float @Nullable [] upBias;
    private final float @Nullable [] downBias;

    private CpuFfn(CpuBackend backend, Arena arena, FfnData data) {
        spec = data.spec();
        gate = data.gate() == null ? null : TileFormat.of(data.gate().dtype());
        up = TileFormat.of(data.up().dtype());
        down = RowReader.formatOfRuns(data.down().dtype(), spec.expertSize());
        int block = down.columnMultiple();
        downColumns = (spec.expertSize() + block - 1) / block * block;
        gateBytes = gate == null ? 0 : neuronTiles() * gate.tileBytes(spec.model());
        upBytes = neuronTiles() * up.tileBytes(spec.model());
        // Whole cache lines, so that no line of an inactive expert is read for an active one.
        expertBytes = (gateBytes + upBytes + modelTiles() * down.tileBytes(downColumns) + 63) / 64 * 64;
        upBias = vector(data.upBias());
        downBias = vector(data.downBias());
        int experts = spec.experts();
        List<WeightData> weights =
                data.gate() == null ? List.of(data.up(), data.down()) : List.of(data.gate(), data.up(), data.down());
        String how = "experts " + experts + " x " + spec.expertSize();
        packed = backend.packed(arena, how, weights, experts, expertBytes, () -> new Packing(data));
        storage = new Storage(backend, arena, List.of(packed));
    }

    static CpuFfn pack(CpuBackend backend, FfnData data) {
        @SuppressWarnings("MustBeClosed") // the storage closes it
        Arena arena = Arena.ofShared();
        try {
            return new CpuFfn(backend, arena, data);
        } catch (Throwable t) {
            arena.close();
            throw t;
        }
    }

    private static float @Nullable [] vector(@Nullable WeightData data) {
        if (data == null) {
            return null;
        }
        float[] values = new float[data.columns()];
        BlockDecoder.decode(data.dtype(), data.bytes(), 0, values.length, values, 0);
        return values;
    }

    @Override
    public FfnSpec spec() {
        return spec;
    }

    @Override
    public long byteSize() {
        return expertBytes * spec.experts();
    }

    Storage storage() {
        return storage;
    }

    /** All experts, {@link #expertBytes} each. */
    PackedItems packed() {
        storage.check();
        return packed;
    }

    @Nullable
    TileFormat gate() {
        return gate;
    }

    TileFormat up() {
        return up;
    }

    TileFormat down() {
        return down;
    }

    long expertBytes() {
        return expertBytes;
    }

    /** Where the up tiles begin in an expert. */
    long upStart() {
        return gateBytes;
    }

    /** Where the down tiles begin in an expert. */
    long downStart() {
        return gateBytes + upBytes;
    }

    /** Tiles of the gate, and of the up projection, of an expert. */
    int neuronTiles() {
        return (spec.expertSize() + TileFormat.ROWS - 1) / TileFormat.ROWS;
    }

    /** Tiles of the down projection of an expert. */
    int modelTiles() {
        return (spec.model() + TileFormat.ROWS - 1) / TileFormat.ROWS;
    }

    /** M, rounded up to the columns of a down tile. */
    int downColumns() {
        return downColumns;
    }

    float @Nullable [] upBias() {
        return upBias;
    }

    float @Nullable [] downBias() {
        return downBias;
    }

    /** One thread's part in packing. */
    private final class Packing implements PackedItems.Packer {
        private final @Nullable TilePacker gatePacker;
        private final TilePacker upPacker;
        private final TilePacker downPacker;
        private final WeightData source;
        private final byte[] downTiles;

        Packing(FfnData data) {
            int model = spec.model();
            gatePacker = data.gate() == null || gate == null
                    ? null
                    : new TilePacker(new RowReader(data.gate(), gate), gate, spec.neurons(), model);
            upPacker = new TilePacker(new RowReader(data.up(), up), up, spec.neurons(), model);
            source = data.down();
            downTiles = new byte[Math.toIntExact(modelTiles() * down.tileBytes(downColumns))];
            downPacker = new TilePacker(new RowReader(data.down(), down), down, model, downColumns);
        }

        @Override
        public void pack(int expert, MemorySegment memory, long start) {
            int neuron = expert * spec.expertSize();
            int end = neuron + spec.expertSize();
            for (int tile = 0; tile < neuronTiles(); tile++) {
                int row = neuron + tile * TileFormat.ROWS;
                if (gatePacker != null) {
                    gatePacker.pack(row, end, 0, spec.model(), memory, start, neuronTiles(), tile);
                }
                upPacker.pack(row, end, 0, spec.model(), memory, start + upStart(), neuronTiles(), tile);
            }
            if (down.packColumns(source, neuron, spec.expertSize(), downColumns, downTiles)) {
                MemorySegment.copy(downTiles, 0, memory, ValueLayout.JAVA_BYTE, start + downStart(), downTiles.length);
                return;
            }
            for (int tile = 0; tile < modelTiles(); tile++) {
                int row = tile * TileFormat.ROWS;
                downPacker.pack(row, neuron, spec.expertSize(), memory, start + downStart(), modelTiles(), tile);
            }
        }
    }
}

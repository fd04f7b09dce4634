package dev.lte.cuda;

import dev.lte.backend.DType;
import dev.lte.backend.FfnData;
import dev.lte.backend.FfnSpec;
import dev.lte.backend.WeightData;
import dev.lte.cuda.CudaPacker.Layout;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Packs a feed-forward block expert by expert. Types stay what they are, but for gate and up of different types and for experts
 * that are no whole blocks of the down projection: those become F32.
 */
final class FfnPacker {
    private final CudaBackend backend;
    private final CudaPacker packer;
    private final List<Segment> made = new ArrayList<>();

    FfnPacker(CudaBackend backend, CudaPacker packer) {
        this.backend = backend;
        this.packer = packer;
    }

    CudaFfn pack(FfnData data) {
        try {
            return packAll(data);
        } catch (RuntimeException e) {
            made.forEach(packer::free);
            throw e;
        }
    }

    private CudaFfn packAll(FfnData data) {
        FfnSpec spec = data.spec();
        int m = spec.expertSize();
        WeightData gate = data.gate();
        WeightData up = data.up();
        WeightData down = data.down();
        DType innerType = gate == null || gate.dtype() == up.dtype() ? up.dtype() : DType.F32;
        Segment inner = allocate(up.name(), innerType, spec.neurons() * (gate == null ? 1 : 2), spec.model());
        int pitch = gate == null ? m : 2 * m;
        if (gate != null) {
            put(gate, inner, new Layout(m, pitch, 0, 0, 1));
        }
        put(up, inner, new Layout(m, pitch, pitch - m, 0, 1));
        DType outerType = m % down.dtype().blockSize() == 0 ? down.dtype() : DType.F32;
        int chunk = Segment.chunk(outerType);
        int padded = (m + chunk - 1) / chunk * chunk;
        int rows = Math.multiplyExact(spec.experts(), spec.model());
        Segment outer = allocate(down.name(), outerType, rows, padded);
        put(down, outer, new Layout(spec.model(), 0, 0, spec.model(), spec.experts()));
        long upBias = bias(data.upBias());
        long downBias = bias(data.downBias());
        CudaStorage storage = new CudaStorage(
                backend,
                true,
                made.stream()
                        .flatMapToLong(s -> java.util.stream.LongStream.of(s.address(), s.scales()))
                        .toArray());
        long bytes = made.stream()
                .mapToLong(s -> s.rows() * s.stride() + (s.scales() == 0 ? 0 : s.rows() * s.stride() / 16))
                .sum();
        return new CudaFfn(storage, spec, bytes, inner, outer, padded, upBias, downBias);
    }

    private Segment allocate(String what, DType dtype, int rows, int columns) {
        Segment segment = packer.allocate(what, dtype, rows, columns);
        made.add(segment);
        return segment;
    }

    private void put(WeightData data, Segment to, Layout layout) {
        if (data.dtype() == to.dtype()) {
            packer.pack(data, to, layout);
        } else {
            packer.spread(data, to, layout);
        }
    }

    private long bias(@Nullable WeightData data) {
        if (data == null) {
            return 0;
        }
        Segment segment = allocate(data.name(), DType.F32, 1, data.columns());
        put(data, segment, Layout.plain(1));
        return segment.address();
    }
}

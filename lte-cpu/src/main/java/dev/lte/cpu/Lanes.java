package dev.lte.cpu;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * The vector widths that kernels use. {@link #F}, {@link #I} and {@link #S} are at most 256 bits wide: streaming from memory
 * gains nothing from 512 bits and often loses. {@link #WIDE} is at most 512 bits, for products whose operands are in cache.
 * They are static finals because C2 needs constant species.
 */
final class Lanes {
    private static final int PREFERRED = FloatVector.SPECIES_PREFERRED.vectorBitSize();

    static final VectorSpecies<Float> F =
            VectorSpecies.of(float.class, VectorShape.forBitSize(Math.min(PREFERRED, 256)));
    static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, F.vectorShape());
    static final VectorSpecies<Short> S = VectorSpecies.of(short.class, F.vectorShape());
    static final VectorSpecies<Float> WIDE =
            VectorSpecies.of(float.class, VectorShape.forBitSize(Math.min(PREFERRED, 512)));
    static final VectorSpecies<Integer> WIDE_I = VectorSpecies.of(int.class, WIDE.vectorShape());

    /** As many shorts as {@link #WIDE} has lanes, or the narrowest vector there is. */
    static final VectorSpecies<Short> WIDE_HALVES =
            VectorSpecies.of(short.class, VectorShape.forBitSize(Math.max(64, 16 * WIDE.length())));

    /** Lanes of {@link #F}. */
    static final int L = F.length();

    /** Whether {@link #WIDE} has room for sixteen floats. */
    static final boolean HAS_512 = WIDE.length() == 16;

    /** The upper half of {@link #WIDE}. */
    static final VectorMask<Float> UPPER_HALF =
            WIDE.indexInRange(0, WIDE.length() / 2).not();

    static final VectorShuffle<Float> SWAP_HALVES = VectorShuffle.iota(WIDE, WIDE.length() / 2, 1, true);

    static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

    static final VectorShuffle<Float> HALF = VectorShuffle.iota(F, L / 2, 1, true);
    static final VectorShuffle<Float> QUARTER = VectorShuffle.iota(F, Math.max(1, L / 4), 1, true);
    static final VectorShuffle<Float> EIGHTH = VectorShuffle.iota(F, Math.max(1, L / 8), 1, true);

    private Lanes() {}

    /**
     * The sum of all lanes, always in the same order. That of {@code reduceLanes} is not defined and changes when code is
     * compiled, so that a program would not repeat its own results.
     */
    static float sum(FloatVector v) {
        FloatVector sum = v.add(v.rearrange(HALF));
        if (L >= 4) {
            sum = sum.add(sum.rearrange(QUARTER));
        }
        if (L >= 8) {
            sum = sum.add(sum.rearrange(EIGHTH));
        }
        return sum.lane(0);
    }

    /** Bits of the widest vectors in use. */
    static int bits() {
        return WIDE.vectorBitSize();
    }

    /**
     * Floats from IEEE half-precision bits in the high 16 bits of each lane, the low 16 being zero. Exact for all finite
     * values, subnormals included; infinities and NaNs come out as finite values of 65536 and more.
     */
    static FloatVector halfToFloat(IntVector high) {
        // Shifted to the float's exponent position, a magnitude is too small by 2^(127 - 15). The sign comes along
        // three times.
        return high.lanewise(VectorOperators.ASHR, 3)
                .and(0x8fffffff)
                .reinterpretAsFloats()
                .mul(0x1p112f);
    }

    /**
     * As many F16 values as {@link #WIDE} has lanes, from a byte offset on; as {@link #halfToFloat}, whose code it repeats on
     * purpose: a method that vectors of two widths pass through has a polluted type profile, and C2 boxes.
     */
    static FloatVector wideHalves(MemorySegment from, long at) {
        IntVector bits = (IntVector) ShortVector.fromMemorySegment(WIDE_HALVES, from, at, ORDER)
                .convertShape(VectorOperators.S2I, WIDE_I, 0);
        return bits.lanewise(VectorOperators.LSHL, 13)
                .and(0x8fffffff)
                .reinterpretAsFloats()
                .mul(0x1p112f);
    }
}

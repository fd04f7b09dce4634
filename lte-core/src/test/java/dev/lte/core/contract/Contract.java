package dev.lte.core.contract;

import dev.lte.backend.DType;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/** What the parts of the contract know about the backend under test. */
interface Contract {
    /** Rows of a pass: one token, a few streams, around a multiple of 16, a prompt. */
    List<Integer> ROWS = List.of(1, 2, 3, 5, 16, 17, 64);

    Rig rig();

    /** Exactly the types that {@link dev.lte.backend.Backend#supportsWeight} must confirm. */
    Set<DType> weightTypes();

    /** Exactly the types that {@link dev.lte.backend.Backend#supportsCache} must confirm. */
    Set<DType> cacheTypes();

    /** Exactly the types that training can use; none if the backend offers no training. */
    Set<DType> trainingTypes();

    /** How products with this type of weight may round activations, for this many rows. */
    ActivationRounding rounding(DType weight, int rows);

    /** Relative error of products of queries and keys, and of weights and values. */
    double attentionError(DType cache);

    /** The same in training, with activations of this type. */
    double trainingAttentionError(DType dtype);

    /** Weight widths worth a test that rows of this type can have. */
    static int[] columns(DType dtype) {
        return switch (dtype.blockSize()) {
            case 1 -> new int[] {1, 3, 13, 31, 33, 64, 207, 4098};
            case 32 -> new int[] {32, 64, 96, 4128};
            default -> new int[] {256, 512, 4352};
        };
    }

    static Set<DType> floatingPoint() {
        return EnumSet.complementOf(EnumSet.of(DType.I32));
    }

    static int[] range(int from, int to) {
        return IntStream.range(from, to).toArray();
    }
}

package dev.lte.core.format.gguf;

import dev.lte.backend.DType;
import org.jspecify.annotations.Nullable;

/** The numbers by which GGUF files name element types. */
final class GgmlTypes {
    private GgmlTypes() {}

    /** Null if LTE does not have the type. */
    static @Nullable DType dtype(int id) {
        return switch (id) {
            case 0 -> DType.F32;
            case 1 -> DType.F16;
            case 2 -> DType.Q4_0;
            case 3 -> DType.Q4_1;
            case 6 -> DType.Q5_0;
            case 7 -> DType.Q5_1;
            case 8 -> DType.Q8_0;
            case 10 -> DType.Q2_K;
            case 11 -> DType.Q3_K;
            case 12 -> DType.Q4_K;
            case 13 -> DType.Q5_K;
            case 14 -> DType.Q6_K;
            case 20 -> DType.IQ4_NL;
            case 23 -> DType.IQ4_XS;
            case 26 -> DType.I32;
            case 30 -> DType.BF16;
            case 39 -> DType.MXFP4;
            default -> null;
        };
    }

    static int id(DType dtype) {
        for (int id = 0; id < 40; id++) {
            if (dtype(id) == dtype) {
                return id;
            }
        }
        throw new IllegalArgumentException("GGUF has no number for " + dtype);
    }

    /** The name of a type that LTE does not have, or null if nobody has it. */
    static @Nullable String foreignName(int id) {
        return switch (id) {
            case 4 -> "Q4_2";
            case 5 -> "Q4_3";
            case 9 -> "Q8_1";
            case 15 -> "Q8_K";
            case 16 -> "IQ2_XXS";
            case 17 -> "IQ2_XS";
            case 18 -> "IQ3_XXS";
            case 19 -> "IQ1_S";
            case 21 -> "IQ3_S";
            case 22 -> "IQ2_S";
            case 24 -> "I8";
            case 25 -> "I16";
            case 27 -> "I64";
            case 28 -> "F64";
            case 29 -> "IQ1_M";
            case 34 -> "TQ1_0";
            case 35 -> "TQ2_0";
            default -> null;
        };
    }
}

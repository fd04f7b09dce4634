package dev.lte.core.convert;

import dev.lte.InvalidRequestException;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The sizes of a real Llama model.
 *
 * @param name of the shape
 * @param model D
 * @param ffn F
 * @param layers blocks
 * @param heads H
 * @param keyValueHeads K
 * @param vocabulary V
 * @param context positions
 * @param theta base of the rotation
 * @param stretched whether angles are stretched as in Llama 3.1, by 32 over 8192 positions
 * @param tied whether the token embedding is the head
 */
record SyntheticShape(
        String name,
        int model,
        int ffn,
        int layers,
        int heads,
        int keyValueHeads,
        int vocabulary,
        int context,
        double theta,
        boolean stretched,
        boolean tied) {
    /** Neurons of an expert, as in the paper. */
    static final int EXPERT_SIZE = 32;

    private static final List<SyntheticShape> KNOWN = List.of(
            new SyntheticShape("tinyllama-1.1b", 2048, 5632, 22, 32, 4, 32_000, 2048, 10_000, false, false),
            new SyntheticShape("llama-3.2-1b", 2048, 8192, 16, 32, 8, 128_256, 131_072, 500_000, true, true),
            new SyntheticShape("llama-2-7b", 4096, 11_008, 32, 32, 32, 32_000, 4096, 10_000, false, false));

    static SyntheticShape of(String name) {
        return KNOWN.stream()
                .filter(shape -> shape.name.equals(name))
                .findFirst()
                .orElseThrow(() -> new InvalidRequestException(
                        "shape", KNOWN.stream().map(SyntheticShape::name).collect(Collectors.joining(", ")), name));
    }

    SyntheticShape withLayers(int count) {
        return new SyntheticShape(
                name, model, ffn, count, heads, keyValueHeads, vocabulary, context, theta, stretched, tied);
    }

    int headSize() {
        return model / heads;
    }

    int experts() {
        return ffn / EXPERT_SIZE;
    }
}

package dev.lte.core.source;

import dev.lte.backend.Activation;
import dev.lte.backend.NormSpec;
import dev.lte.core.arch.ModelConfig.NormPlacement;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What the files of a family do not say because it is the same for all of its models. */
public enum Family {
    LLAMA("llama", List.of("llama"), NormSpec.Kind.RMS, NormPlacement.BEFORE, Activation.SILU, EnumSet.of(Trait.GATED)),
    MISTRAL(
            "llama",
            List.of("mistral"),
            NormSpec.Kind.RMS,
            NormPlacement.BEFORE,
            Activation.SILU,
            EnumSet.of(Trait.GATED)),
    QWEN2(
            "qwen2",
            List.of("qwen2"),
            NormSpec.Kind.RMS,
            NormPlacement.BEFORE,
            Activation.SILU,
            EnumSet.of(Trait.GATED, Trait.QKV_BIAS)),
    QWEN3(
            "qwen3",
            List.of("qwen3"),
            NormSpec.Kind.RMS,
            NormPlacement.BEFORE,
            Activation.SILU,
            EnumSet.of(Trait.GATED, Trait.HEAD_NORMS)),
    GEMMA2(
            "gemma2",
            List.of("gemma2"),
            NormSpec.Kind.RMS,
            NormPlacement.AROUND,
            Activation.GELU_TANH,
            EnumSet.of(Trait.GATED, Trait.GEMMA)),
    GEMMA3(
            "gemma3",
            List.of("gemma3_text", "gemma3"),
            NormSpec.Kind.RMS,
            NormPlacement.AROUND,
            Activation.GELU_TANH,
            EnumSet.of(Trait.GATED, Trait.GEMMA, Trait.HEAD_NORMS)),
    PHI3("phi3", List.of("phi3"), NormSpec.Kind.RMS, NormPlacement.BEFORE, Activation.SILU, EnumSet.of(Trait.GATED)),
    GPT2(
            "gpt2",
            List.of("gpt2"),
            NormSpec.Kind.LAYER,
            NormPlacement.BEFORE,
            Activation.GELU_TANH,
            EnumSet.of(Trait.BIASES, Trait.LEARNED_POSITIONS)),
    OPT(
            "opt",
            List.of("opt"),
            NormSpec.Kind.LAYER,
            NormPlacement.BEFORE,
            Activation.RELU,
            EnumSet.of(Trait.BIASES, Trait.LEARNED_POSITIONS)),
    ROBERTA(
            "bert",
            List.of("roberta"),
            NormSpec.Kind.LAYER,
            NormPlacement.AFTER,
            Activation.GELU,
            EnumSet.of(Trait.BIASES, Trait.LEARNED_POSITIONS, Trait.ENCODER));

    /** What a family has beyond the plain decoder. */
    public enum Trait {
        /** The FFN has a gate. */
        GATED,
        /** Every projection adds a bias. */
        BIASES,
        /** Query, key and value projections add a bias. */
        QKV_BIAS,
        /** Queries and keys are normalised per head. */
        HEAD_NORMS,
        /** Position embeddings are learned; others rotate. */
        LEARNED_POSITIONS,
        /** Embeddings are scaled by the root of D; hub files hold norm weights minus 1. */
        GEMMA,
        /** Sees both directions, normalises embeddings, ends in a classifier. */
        ENCODER
    }

    private final String gguf;
    private final List<String> hubTypes;
    private final NormSpec.Kind normKind;
    private final NormPlacement placement;
    private final Activation activation;
    private final Set<Trait> traits;

    Family(
            String gguf,
            List<String> hubTypes,
            NormSpec.Kind normKind,
            NormPlacement placement,
            Activation activation,
            Set<Trait> traits) {
        this.gguf = gguf;
        this.hubTypes = hubTypes;
        this.normKind = normKind;
        this.placement = placement;
        this.activation = activation;
        this.traits = traits;
    }

    /** The family of a {@code model_type} in config.json. */
    static @Nullable Family ofHubType(String type) {
        return Arrays.stream(values())
                .filter(family -> family.hubTypes.contains(type))
                .findFirst()
                .orElse(null);
    }

    /** The family of a {@code general.architecture}; Mistral's files are Llama's. */
    static @Nullable Family ofGguf(String architecture) {
        return Arrays.stream(values())
                .filter(family -> family.gguf.equals(architecture))
                .findFirst()
                .orElse(null);
    }

    /**
     * The family of a {@link dev.lte.core.arch.ModelConfig#architecture}, which is a name of either format.
     *
     * @throws IllegalArgumentException if there is none
     */
    public static Family of(String architecture) {
        Family family = ofHubType(architecture);
        family = family == null ? ofGguf(architecture) : family;
        if (family == null) {
            throw new IllegalArgumentException("no family has the architecture " + architecture);
        }
        return family;
    }

    static String hubTypesKnown() {
        return Arrays.stream(values())
                .flatMap(family -> family.hubTypes.stream())
                .collect(Collectors.joining(", "));
    }

    static String ggufKnown() {
        return Arrays.stream(values()).map(Family::gguf).distinct().collect(Collectors.joining(", "));
    }

    /** {@code general.architecture} in GGUF. */
    public String gguf() {
        return gguf;
    }

    /** The {@code model_type} to write. */
    public String hubType() {
        return hubTypes.getFirst();
    }

    NormSpec.Kind normKind() {
        return normKind;
    }

    NormPlacement placement() {
        return placement;
    }

    public Activation activation() {
        return activation;
    }

    public boolean has(Trait trait) {
        return traits.contains(trait);
    }
}

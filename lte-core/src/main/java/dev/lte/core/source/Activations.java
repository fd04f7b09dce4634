package dev.lte.core.source;

import dev.lte.backend.Activation;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Names of activations in config.json, and in GGUF's {@code hidden_activation}. */
public final class Activations {
    /** The first name of each is the one to write. */
    private static final Map<String, Activation> BY_NAME;

    static {
        Map<String, Activation> names = new LinkedHashMap<>();
        names.put("silu", Activation.SILU);
        names.put("swish", Activation.SILU);
        names.put("gelu", Activation.GELU);
        names.put("gelu_pytorch_tanh", Activation.GELU_TANH);
        names.put("gelu_new", Activation.GELU_TANH);
        names.put("gelu_fast", Activation.GELU_TANH);
        names.put("relu", Activation.RELU);
        names.put("tanh", Activation.TANH);
        BY_NAME = Collections.unmodifiableMap(names);
    }

    private Activations() {}

    static @Nullable Activation find(String name) {
        return BY_NAME.get(name);
    }

    static String known() {
        return String.join(", ", BY_NAME.keySet());
    }

    public static String nameOf(Activation activation) {
        return BY_NAME.entrySet().stream()
                .filter(entry -> entry.getValue() == activation)
                .map(Map.Entry::getKey)
                .findFirst()
                .orElseThrow();
    }
}

package dev.lte.train;

import dev.lte.InvalidRequestException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;

/** What training begins with. */
public sealed interface StartingPoint {
    /**
     * A model as {@link dev.lte.Lte#load} reads it. One with routers keeps them and the grouping of its neurons.
     *
     * @param model a GGUF file, hub directory or llama2.c checkpoint, with a tokenizer
     */
    record ExistingModel(Path model) implements StartingPoint {}

    /**
     * Random weights, and a byte-level BPE tokenizer learnt from the training data. The token embedding of a model that generates
     * is its head too; {@code roberta} is an encoder that sorts texts, or pairs of them, into classes.
     *
     * @param family {@code llama}, {@code gpt2} or {@code roberta}
     * @param model D
     * @param ffn F
     * @param layers number of blocks
     * @param heads H, divides D
     * @param keyValueHeads K, divides H; H for {@code gpt2} and {@code roberta}
     * @param vocabulary V at most
     * @param contextLength positions that the model is made for
     * @param labels names of the classes, two or more, in the order of their numbers in the data; none for models that generate
     */
    record NewModel(
            String family,
            int model,
            int ffn,
            int layers,
            int heads,
            int keyValueHeads,
            int vocabulary,
            int contextLength,
            List<String> labels)
            implements StartingPoint {
        private static final int MOST = 1 << 20;
        private static final int MOST_CLASSES = 1 << 12;
        private static final List<String> FAMILIES = List.of("llama", "gpt2", "roberta");

        public NewModel {
            if (!FAMILIES.contains(family)) {
                throw new InvalidRequestException("family", "one of " + FAMILIES, family);
            }
            labels = List.copyOf(labels);
            checkLabels(labels, family.equals("roberta"));
            check("model", model);
            check("ffn", ffn);
            check("layers", layers);
            check("heads", heads);
            check("keyValueHeads", keyValueHeads);
            check("vocabulary", vocabulary);
            check("contextLength", contextLength);
            if (model % heads != 0 || model / heads % 2 != 0) {
                throw new InvalidRequestException("heads", "a divisor of model " + model + " with even heads", heads);
            }
            boolean own = !family.equals("llama");
            if (heads % keyValueHeads != 0 || own && keyValueHeads != heads) {
                throw new InvalidRequestException(
                        "keyValueHeads",
                        own ? "as many as heads, " + heads : "a divisor of heads " + heads,
                        keyValueHeads);
            }
        }

        /** A model that generates. */
        public NewModel(
                String family,
                int model,
                int ffn,
                int layers,
                int heads,
                int keyValueHeads,
                int vocabulary,
                int contextLength) {
            this(family, model, ffn, layers, heads, keyValueHeads, vocabulary, contextLength, List.of());
        }

        private static void checkLabels(List<String> labels, boolean classifies) {
            if (!classifies && !labels.isEmpty()) {
                throw new InvalidRequestException("labels", "none, or the family roberta", labels);
            }
            boolean many = labels.size() >= 2 && labels.size() <= MOST_CLASSES;
            boolean different = new HashSet<>(labels).size() == labels.size();
            if (classifies && (!many || !different || labels.stream().anyMatch(String::isBlank))) {
                throw new InvalidRequestException("labels", "names of two or more classes, all different", labels);
            }
        }

        private static void check(String option, int value) {
            if (value < 1 || value > MOST) {
                throw new InvalidRequestException(option, "1 to " + MOST, value);
            }
        }
    }
}

package dev.lte.train;

import dev.lte.InvalidRequestException;
import java.nio.file.Path;

/** What training begins with. */
public sealed interface StartingPoint {
    /**
     * A model as {@link dev.lte.Lte#load} reads it. One with routers keeps them and the grouping of its neurons.
     *
     * @param model a GGUF file, hub directory or llama2.c checkpoint, with a tokenizer
     */
    record ExistingModel(Path model) implements StartingPoint {}

    /**
     * Random weights, and a byte-level BPE tokenizer learnt from the training data. The token embedding is the head too.
     *
     * @param family {@code llama} or {@code gpt2}
     * @param model D
     * @param ffn F
     * @param layers number of blocks
     * @param heads H, divides D
     * @param keyValueHeads K, divides H; H for {@code gpt2}
     * @param vocabulary V at most
     * @param contextLength positions that the model is made for
     */
    record NewModel(
            String family,
            int model,
            int ffn,
            int layers,
            int heads,
            int keyValueHeads,
            int vocabulary,
            int contextLength)
            implements StartingPoint {
        private static final int MOST = 1 << 20;

        public NewModel {
            if (!family.equals("llama") && !family.equals("gpt2")) {
                throw new InvalidRequestException("family", "llama or gpt2", family);
            }
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
            if (heads % keyValueHeads != 0 || family.equals("gpt2") && keyValueHeads != heads) {
                throw new InvalidRequestException(
                        "keyValueHeads",
                        family.equals("gpt2") ? "as many as heads, " + heads : "a divisor of heads " + heads,
                        keyValueHeads);
            }
        }

        private static void check(String option, int value) {
            if (value < 1 || value > MOST) {
                throw new InvalidRequestException(option, "1 to " + MOST, value);
            }
        }
    }
}

package dev.lte.core.layer;

import dev.lte.backend.Kernels;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.cache.KeyValueCache;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A model on a backend: embedding, blocks, head. Immutable; what a pass changes belongs to the {@link Pass}.
 *
 * @param head null for models that classify
 * @param classifier null for models that generate
 */
public record Transformer(
        ModelConfig config,
        Embedding embedding,
        List<Block> blocks,
        @Nullable Head head,
        @Nullable ClassifierHead classifier) {
    public Transformer {
        blocks = List.copyOf(blocks);
    }

    /** The same model with other FFNs, given by layer. */
    public Transformer withFfns(IntFunction<FeedForward> ffns) {
        List<Block> others = IntStream.range(0, blocks.size())
                .mapToObj(layer -> blocks.get(layer).withFfn(ffns.apply(layer)))
                .toList();
        return new Transformer(config, embedding, others, head, classifier);
    }

    /** Whether a pass only enqueues operations. */
    public boolean isRecordable() {
        return blocks.stream().allMatch(block -> block.ffn().isRecordable());
    }

    /**
     * Runs all blocks; {@link Pass#x} then holds the last hidden state, before the final norm.
     *
     * @param cache null for whole sequences without a cache ({@link Pass#starts})
     */
    public void hidden(Kernels kernels, Pass pass, @Nullable KeyValueCache cache) {
        embedding.forward(kernels, pass);
        for (int i = 0; i < blocks.size(); i++) {
            blocks.get(i).forward(kernels, pass, cache);
        }
    }

    /** Logits of all rows of a pass. */
    public void logits(Kernels kernels, Pass pass, LogitRows out) {
        requireHead().forward(kernels, out, pass.x());
    }

    /** Logits of the rows of a pass that {@link LogitRows#indices} names. */
    public void logitsOfIndices(Kernels kernels, Pass pass, LogitRows out) {
        kernels.gatherRows(out.gathered(), pass.x(), out.indices());
        requireHead().forward(kernels, out, out.gathered());
    }

    /** Logits of the classes of the sequences whose first rows {@link LogitRows#indices} names. */
    public void classesOfIndices(Kernels kernels, Pass pass, LogitRows out) {
        kernels.gatherRows(out.gathered(), pass.x(), out.indices());
        if (classifier == null) {
            throw new IllegalStateException("expected a model that classifies, found one that generates");
        }
        classifier.forward(kernels, out, out.gathered());
    }

    private Head requireHead() {
        if (head == null) {
            throw new IllegalStateException("expected a model that generates, found one that classifies");
        }
        return head;
    }
}

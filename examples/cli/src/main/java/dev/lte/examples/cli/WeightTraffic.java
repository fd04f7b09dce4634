package dev.lte.examples.cli;

import dev.lte.ModelFileInfo;
import dev.lte.ModelFileInfo.TensorEntry;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Bytes of weights that one decode step reads, from the sizes in the file: all tensors but the input embedding (one row of it
 * is read; where it is also the output projection, all of it is), those of a feed-forward block reduced by the share of its
 * neurons that was skipped. An estimate: the cache and the activations are left out.
 */
final class WeightTraffic {
    private static final Pattern EMBEDDING =
            Pattern.compile("(^|\\.)(token_embd|embed_tokens|wte|tok_embeddings|token_embedding_table)(\\.|$)");
    private static final Pattern OUTPUT = Pattern.compile("(^|\\.)(output|lm_head|wcls)(\\.|$)");
    private static final Pattern POSITIONS = Pattern.compile("(^|\\.)(position_embd|wpe)(\\.|$)");
    private static final Pattern EXPERTS = Pattern.compile("(^|\\.)(ffn_(gate|up|down)|mlp)\\.");
    private static final Pattern LAYER = Pattern.compile("\\.(\\d{1,4})\\.");

    private WeightTraffic() {}

    /** @param sparsity share of neurons skipped in each layer; empty for none */
    static long bytesPerToken(ModelFileInfo file, List<Double> sparsity) {
        boolean tied = file.tensors().stream().noneMatch(tensor -> found(OUTPUT, tensor));
        double bytes = 0;
        for (TensorEntry tensor : file.tensors()) {
            boolean oneRow = found(POSITIONS, tensor) || (found(EMBEDDING, tensor) && !tied);
            if (!oneRow) {
                bytes += tensor.bytes() * (1 - skipped(tensor, sparsity));
            }
        }
        return Math.round(bytes);
    }

    private static double skipped(TensorEntry tensor, List<Double> sparsity) {
        Matcher layer = LAYER.matcher(tensor.name());
        if (!found(EXPERTS, tensor) || !layer.find()) {
            return 0;
        }
        int index = Integer.parseInt(layer.group(1));
        return index < sparsity.size() ? sparsity.get(index) : 0;
    }

    private static boolean found(Pattern pattern, TensorEntry tensor) {
        return pattern.matcher(tensor.name()).find();
    }
}

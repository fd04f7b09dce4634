package dev.lte.core.baseline;

import static dev.lte.core.arch.WeightRole.DOWN;

import dev.lte.backend.WeightData;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.quant.BlockFormats;
import dev.lte.core.sparse.BalancedKMeans;
import dev.lte.core.sparse.Grouping;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;

/**
 * Groups neurons that matter to the same tokens: balanced k-means over what each neuron adds to the output for a sample of tokens,
 * {@code |a[f]| x |down[f]|}. Without training an expert is as good as its neurons agree, and on the models tried here these
 * groups lost a good deal less than those of similar weights, which training makes good use of. One thread.
 */
final class ActivationGrouping implements FfnVisitor {
    private static final int MOST_TOKENS = 2_048;
    /** Floats of all layers together, 512 MiB. */
    private static final long MOST_VALUES = 1L << 27;

    private final ModelConfig config;
    private final int tokens;
    private final int stride;
    /** (layers, F, tokens). */
    private final float[][][] features;

    private final float[][] lengths;
    private final int[] seen;

    /** @param available tokens that will be visited */
    ActivationGrouping(ModelSource source, long available) {
        config = source.config();
        int layers = config.layers().size();
        long room = MOST_VALUES / ((long) layers * config.ffn());
        tokens = Math.clamp(Math.min(room, available), 1, MOST_TOKENS);
        stride = (int) Math.max(1, available / tokens);
        features = new float[layers][config.ffn()][tokens];
        lengths = new float[layers][];
        for (int layer = 0; layer < layers; layer++) {
            lengths[layer] = columnLengths(source.get(DOWN, layer));
        }
        seen = new int[layers];
    }

    /** (F): the length of each column. */
    private static float[] columnLengths(WeightData down) {
        double[] squares = new double[down.columns()];
        float[] row = new float[down.columns()];
        for (int d = 0; d < down.rows(); d++) {
            BlockFormats.decode(down.dtype(), down.bytes(), d * down.rowBytes(), row, 0, row.length);
            for (int f = 0; f < row.length; f++) {
                squares[f] += (double) row[f] * row[f];
            }
        }
        float[] lengths = new float[squares.length];
        for (int f = 0; f < lengths.length; f++) {
            lengths[f] = (float) Math.sqrt(squares[f]);
        }
        return lengths;
    }

    @Override
    public void visit(FfnActivations activations) {
        int layer = activations.layer();
        for (int row = 0; row < activations.rows(); row++) {
            int place = seen[layer] / stride;
            if (seen[layer]++ % stride == 0 && place < tokens) {
                for (int f = 0; f < config.ffn(); f++) {
                    float a = activations.hidden()[row * config.ffn() + f];
                    features[layer][f][place] = Math.abs(a) * lengths[layer][f];
                }
            }
        }
    }

    /** The grouping of a layer, once all tokens have been visited. */
    Grouping group(int layer, int expertSize, long seed) {
        float[][] rows = features[layer];
        return BalancedKMeans.group(
                        (row, into) -> System.arraycopy(rows[row], 0, into, 0, tokens),
                        config.ffn(),
                        tokens,
                        expertSize,
                        BalancedKMeans.Options.seeded(seed + layer))
                .grouping();
    }

    /** All layers. */
    List<Grouping> groups(int expertSize, long seed, IntConsumer done) {
        List<Grouping> groups = new ArrayList<>();
        for (int layer = 0; layer < features.length; layer++) {
            groups.add(group(layer, expertSize, seed));
            done.accept(layer + 1);
        }
        return groups;
    }
}

package dev.lte.cuda;

import dev.lte.backend.NormSpec;
import org.jspecify.annotations.Nullable;

/** Norms, alone or behind a residual sum, and their gradients. */
final class TrainingNorms {
    private static final int WARPS = 8;
    private static final int MOST_BLOCKS = 4096;

    /** Blocks of the backward kernel, each of which leaves a part of the sums over rows. */
    private static final int MOST_PARTS = 528;

    private final TrainingLaunch kernels;

    TrainingNorms(TrainingLaunch kernels) {
        this.kernels = kernels;
    }

    /** @param sum with {@code branch}, where {@code x + branch} goes; null without */
    void forward(
            CudaTensor out,
            CudaTensor statistics,
            @Nullable CudaTensor sum,
            CudaTensor x,
            @Nullable CudaTensor branch,
            CudaTensor weight,
            @Nullable CudaTensor bias,
            NormSpec spec) {
        int columns = weight.columns();
        int groups = x.columns() / columns;
        int width = TrainingLaunch.width(columns, out, sum, x, branch, weight, bias);
        kernels.start().putTyped(out).put(statistics).putTyped(sum).putTyped(x).putTyped(branch);
        kernels.putTyped(weight).putTyped(bias).put(x.rows()).put(groups).put(columns);
        kernels.put(layer(spec)).put(spec.epsilon()).put(spec.weightOffset());
        kernels.run("trainNorm_" + variant(width, columns), blocks(x.rows(), groups), 1, 1, 32 * WARPS);
    }

    /** Groups that fit registers are read once; for others the sums over rows come first, since {@code dx} may be {@code dout}. */
    void backward(
            CudaTensor dx,
            CudaTensor dweight,
            @Nullable CudaTensor dbias,
            CudaTensor dout,
            CudaTensor x,
            CudaTensor statistics,
            CudaTensor weight,
            NormSpec spec,
            boolean add) {
        int columns = weight.columns();
        int groups = x.columns() / columns;
        String variant = variant(TrainingLaunch.width(columns, dx, dout, x, weight), columns);
        boolean together = variant.length() > 1;
        int blocks = together ? Math.min(blocks(x.rows(), groups), MOST_PARTS) : blocks(x.rows(), groups);
        int parts = blocks;
        long sums;
        if (together) {
            sums = kernels.scratch(8L * parts * columns);
        } else {
            int units = x.rows() * groups;
            int width = TrainingLaunch.width(columns, dout, x);
            int across = TrainingLaunch.blocks(columns, 32 * width);
            parts = TrainingProducts.parts(units, across);
            int perPart = TrainingLaunch.blocks(units, parts);
            sums = kernels.scratch(8L * parts * columns);
            kernels.start()
                    .put(sums)
                    .putTyped(dout)
                    .putTyped(x)
                    .put(statistics)
                    .put(x.rows())
                    .put(groups);
            kernels.put(columns).put(perPart);
            kernels.run("trainNormColumns_" + width, across, parts, 1, 256);
        }
        kernels.start()
                .putTyped(dx)
                .put(sums)
                .putTyped(dout)
                .putTyped(x)
                .put(statistics)
                .putTyped(weight);
        kernels.put(x.rows()).put(groups).put(columns).put(layer(spec));
        kernels.put(spec.weightOffset()).put(add ? 1 : 0);
        kernels.run("trainNormBackward_" + variant, blocks, 1, 1, 32 * WARPS);
        kernels.addParts(dweight, sums, parts);
        if (dbias != null) {
            kernels.addParts(dbias, sums + 4L * parts * columns, parts);
        }
    }

    /** Groups of up to 1024 columns stay in registers, 128 for each of the number behind the x. */
    private static String variant(int width, int columns) {
        if (width == 1) {
            return "1";
        }
        int count = (columns + 127) / 128;
        return count <= 2
                ? "4x2"
                : count == 3 ? "4x3" : count == 4 ? "4x4" : count <= 6 ? "4x6" : count <= 8 ? "4x8" : "4";
    }

    private static int blocks(int rows, int groups) {
        return (int) Math.min(MOST_BLOCKS, ((long) rows * groups + WARPS - 1) / WARPS);
    }

    private static int layer(NormSpec spec) {
        return spec.kind() == NormSpec.Kind.LAYER ? 1 : 0;
    }
}

package dev.lte.backend;

/**
 * The constants of {@link TrainingKernels#adamW} for a group of parameters.
 *
 * @param beta1 how much of the mean gradient stays, in [0, 1)
 * @param beta2 how much of the mean squared gradient stays, in [0, 1)
 * @param epsilon added to the root of the mean squared gradient
 * @param weightDecay share of the rate by which parameters shrink
 */
public record AdamWSpec(float beta1, float beta2, float epsilon, float weightDecay) {
    public AdamWSpec {
        if (!(beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1 && epsilon >= 0 && weightDecay >= 0)) {
            throw new IllegalArgumentException(
                    "expected betas in [0, 1), epsilon and weight decay of at least 0, found " + beta1 + ", " + beta2
                            + ", " + epsilon + ", " + weightDecay);
        }
    }
}
